"""When two values of a field mean the same, however BILL, Visma or our own record spells them."""

from __future__ import annotations

from decimal import Decimal

from shared.fields import Fields, FieldValue

_DATES = frozenset({"date", "origInvoiceDate", "dueDate"})


def is_empty(value: FieldValue) -> bool:
    """Whether a field says nothing: absent, or text without a letter."""
    return value is None or (isinstance(value, str) and not value.strip())


def same_value(name: str, one: FieldValue, other: FieldValue) -> bool:
    """Whether field ``name`` means the same with both values.

    Text without trailing spaces and with any line ends, empty as absent, numbers by value, dates by day.
    """
    return _plain(name, one) == _plain(name, other)


def same_fields(one: Fields, other: Fields) -> bool:
    """Whether two sets of fields mean the same; a field that only one has must be empty there."""
    return all(same_value(name, one.get(name), other.get(name)) for name in {*one, *other})


def show_value(value: FieldValue) -> str:
    """A value as a person reads it in a message."""
    if is_empty(value):
        return "nothing"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _plain(name: str, value: FieldValue) -> tuple[str, str | bool | Decimal] | None:
    # the kind stands beside the value, since True == Decimal(1)
    if is_empty(value) or value is None:
        return None
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Decimal):
        return ("number", value)
    text = value.replace("\r\n", "\n").rstrip()
    return ("text", text[:10] if name in _DATES else text)
