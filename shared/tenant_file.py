"""A tenant's file: from TOML to ``TenantConfig``, and to and from the JSON the database keeps."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from marshmallow import ValidationError

from shared.errors import UsageError
from shared.tenant_schema import TenantSchema
from shared.tenants import (
    AlertsConfig,
    BillConfig,
    CountryMapping,
    LimitsConfig,
    MappingConfig,
    SegmentMapping,
    SyncConfig,
    TenantConfig,
    VismaConfig,
)

C = TypeVar("C")

_TABLES = ("tenant", "bill", "visma", "sync", "limits", "alerts", "mapping")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def parse_tenant(text: str | bytes, *, source: str) -> TenantConfig:
    """Read a tenant's file; ``source`` names it in messages.

    Raises UsageError with one line for each problem, each with the path of its key.
    """
    data = _read_toml(text, source)
    try:
        # a missing table is an empty one, so that each of its required keys is named
        tables = TenantSchema().load({**{name: {} for name in _TABLES}, **data})
    except ValidationError as error:
        problems = sorted(f"{path}: {problem}" for path, problem in _flatten(error.messages))
        raise UsageError("\n".join(f"{source}: {problem}" for problem in problems)) from None
    return TenantConfig(**tables.pop("tenant"), **tables)


def config_to_json(config: TenantConfig) -> dict[str, Any]:
    """The settings as JSON with the tables of the file; keys that were left out stay out."""
    plain = dataclasses.asdict(config)
    tables = {"tenant": {name: plain.pop(name) for name in ("id", "name", "locale")}, **plain}
    tables["sync"]["bills_since"] = config.sync.bills_since.isoformat()
    for segment in tables["mapping"]["segments"]:
        segment["from"] = segment.pop("source")
    json: dict[str, Any] = _strip(tables)
    return json


def config_from_json(data: Mapping[str, Any]) -> TenantConfig:
    """The settings as an earlier, or later, version stored them: missing keys default, unknown ones drop out.

    Raises UsageError where a required key is missing.
    """
    name = str(data.get("tenant", {}).get("id", "?"))
    try:
        return _build_tenant(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"tenant {name}: stored settings cannot be read, apply its file again") from error


def _build_tenant(data: Mapping[str, Any]) -> TenantConfig:
    sync, mapping = dict(data["sync"]), dict(data["mapping"])
    sync["bills_since"] = date.fromisoformat(sync["bills_since"])
    for name in ("match_suppliers_by", "approval_statuses"):
        if name in sync:
            sync[name] = tuple(sync[name])
    mapping["segments"] = tuple(
        _build(SegmentMapping, {**segment, "source": segment["from"]})
        for segment in mapping.get("segments", ())
    )
    mapping["countries"] = {
        name: _build(CountryMapping, country) for name, country in mapping.get("countries", {}).items()
    }
    return _build(
        TenantConfig,
        {
            **data["tenant"],
            "bill": _build(BillConfig, data["bill"]),
            "visma": _build(VismaConfig, data["visma"]),
            "sync": _build(SyncConfig, sync),
            "limits": _build(LimitsConfig, data.get("limits", {})),
            "alerts": _build(AlertsConfig, data.get("alerts", {})),
            "mapping": _build(MappingConfig, mapping),
        },
    )


def _build(kind: type[C], values: Mapping[str, Any]) -> C:
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: values[name] for name in names if name in values})


def _strip(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _strip(item) for name, item in value.items() if item is not None}
    return [_strip(item) for item in value] if isinstance(value, tuple | list) else value


def _read_toml(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        # editors on Windows put a byte order mark first
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return tomllib.loads(decoded)
    except UnicodeDecodeError:
        raise UsageError(f"{source}: not a text file in UTF-8") from None
    except RecursionError:
        raise UsageError(f"{source}: not valid TOML: nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: not valid TOML: {error}") from None


def _flatten(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flatten(inner, _join(path, key))
    else:
        for problem in messages if isinstance(messages, list) else [messages]:
            yield path, str(problem)


def _join(path: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{path}[{key + 1}]"
    if key == "_schema":
        return path
    name = str(key)
    quoted = name if _BARE_KEY.fullmatch(name) else '"' + name.replace('"', '\\"') + '"'
    return f"{path}.{quoted}" if path else quoted
