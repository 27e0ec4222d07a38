"""Settings of the simulated systems: dataclasses changed by name, unknown names and types refused."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from deploy.sandbox.jsonio import Json


class BadOption(ValueError):
    """A setting that does not exist, or a value of the wrong type; the message names it."""


def change(options: Any, wanted: Json) -> None:
    """Set the named fields of a settings dataclass in place; raises BadOption and then changes nothing."""
    fields = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    checked = {}
    for name, value in wanted.items():
        if name not in fields:
            raise BadOption(f"unknown setting: {name}")
        checked[name] = _checked(name, value, fields[name])
    for name, value in checked.items():
        setattr(options, name, value)


def show(options: Any) -> Json:
    """The settings as JSON."""
    return dataclasses.asdict(options)


def _checked(name: str, value: Any, current: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(current, bool) or isinstance(value, bool):
        good = isinstance(current, bool) and isinstance(value, bool)
    elif current is None or value is None:
        good = True
    elif isinstance(current, float):
        good = isinstance(value, int | float)
    else:
        good = isinstance(value, type(current))
    if not good:
        raise BadOption(f"wrong type for setting {name}: {value!r}")
    return float(value) if isinstance(current, float) else value
