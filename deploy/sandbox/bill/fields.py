"""Checks of BILL's request fields; every refusal is a 400 in BILL's manner."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from deploy.sandbox.bill.errors import Refusal, missing
from deploy.sandbox.jsonio import Json, plain


def take_text(body: Json, name: str, *, required: bool = False) -> str | None:
    """A text field; None when absent or null."""
    value = body.get(name)
    if value is None or (required and value == ""):
        if required:
            raise missing(name)
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise wrong(name)
    return str(value)


def take_amount(body: Json, name: str) -> Decimal | None:
    """A number as Decimal; None when absent or null."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise wrong(name)
    return plain(Decimal(value))


def take_date(body: Json, name: str, *, required: bool = False) -> str | None:
    """A date as ``yyyy-MM-dd``."""
    text = take_text(body, name, required=required)
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise wrong(name) from error


def take_object(body: Json, name: str, *, required: bool = False) -> Json | None:
    """A nested object."""
    value = body.get(name)
    if value is None:
        if required:
            raise missing(name)
        return None
    if not isinstance(value, dict):
        raise wrong(name)
    return value


def wrong(name: str) -> Refusal:
    """400 for a field of the wrong type or with an unknown value."""
    return Refusal(400, "BDC_1119", f"Field value is invalid: {name}.")


def set_or_drop(body: Json, name: str, value: Any) -> None:
    """Keep unset fields out of a record: BILL omits them instead of sending null."""
    if value is None or value == "":
        body.pop(name, None)
    else:
        body[name] = value
