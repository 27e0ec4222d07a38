"""BILL's ``filters`` and ``sort`` parameters, with the whitelist of its search guide."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from deploy.sandbox.bill.errors import Refusal, bad_parameter
from deploy.sandbox.bill.models import Entry

_EQUALITY = frozenset({"eq", "ne"})
_CHOICE = frozenset({"eq", "ne", "in", "nin"})
_RANGE = frozenset({"gt", "gte", "lt", "lte"})
_DATE_RANGE = _RANGE | {"eq"}
OPERATORS = _CHOICE | _RANGE | {"sw"}


@dataclass(frozen=True, slots=True)
class Field:
    """A filterable field: how its values read, and which operators it takes."""

    kind: str
    operators: frozenset[str]


_ID = Field("text", frozenset({"eq", "ne", "in"}))
_FLAG = Field("flag", _EQUALITY)
_TEXT = Field("text", _CHOICE)
_TIME = Field("time", _RANGE)

VENDOR_FILTERS = {
    "id": _ID,
    "archived": _FLAG,
    "name": Field("text", frozenset({"eq", "sw"})),
    "accountType": _TEXT,
    "address.country": _TEXT,
    "billCurrency": _TEXT,
    "paymentStatus": _TEXT,
    "createdTime": _TIME,
    "updatedTime": _TIME,
}
BILL_FILTERS = {
    "id": _ID,
    "archived": _FLAG,
    "vendorId": Field("text", frozenset({"eq", "in"})),
    "dueDate": Field("date", _DATE_RANGE),
    "paymentStatus": Field("text", frozenset({"eq", "ne", "in"})),
    "createdTime": _TIME,
    "updatedTime": _TIME,
    "payFromChartOfAccountId": _TEXT,
    "classifications.chartOfAccountId": _TEXT,
    "classifications.accountingClassId": _TEXT,
    "classifications.departmentId": _TEXT,
    "classifications.locationId": _TEXT,
    "classifications.itemId": _TEXT,
}
CLASSIFICATION_FILTERS = {
    "id": _ID,
    "archived": _FLAG,
    "name": Field("text", frozenset({"eq", "sw"})),
    "createdTime": _TIME,
    "updatedTime": _TIME,
}
"""Filterable fields (BILL reference: filterable and sortable fields); of classifications assumed."""

VENDOR_SORTS = frozenset(
    {"archived", "name", "shortName", "email", "phone", "billCurrency", "createdTime", "updatedTime"}
)
BILL_SORTS = frozenset(
    {"archived", "fundingAmount", "exchangeRate", "description", "dueDate", "createdTime", "updatedTime"}
)
CLASSIFICATION_SORTS = frozenset({"archived", "name", "createdTime", "updatedTime"})

_TIME_FORMS = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda found, wanted: found in wanted,
    "nin": lambda found, wanted: found not in wanted,
    "sw": lambda found, wanted: isinstance(found, str) and found.startswith(wanted),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One ``field:op:value``."""

    field: str
    op: str
    value: Any

    def holds(self, entry: Entry) -> bool:
        """Whether a record fulfils it; a field that is not set fulfils only ``ne`` and ``nin``."""
        found = read_field(entry, self.field)
        if found is None:
            return self.op in ("ne", "nin")
        return _COMPARE[self.op](found, self.value)


def parse_filters(text: str, fields: dict[str, Field]) -> tuple[Condition, ...]:
    """The AND-ed conditions of a ``filters`` parameter; raises Refusal BDC_1130, BDC_1131, BDC_1129."""
    return tuple(_parse_condition(part, fields) for part in split_outside_quotes(text, ",") if part)


def _parse_condition(part: str, fields: dict[str, Field]) -> Condition:
    pieces = part.split(":", 2)
    if len(pieces) != 3:
        raise bad_parameter("filters")
    name, op, raw = pieces
    field = fields.get(name)
    if field is None:
        raise Refusal(400, "BDC_1130", f"Invalid filter field: {name}.")
    if op not in field.operators:
        raise Refusal(400, "BDC_1131", f"Invalid filter operator: {op}.")
    if op in ("in", "nin"):
        values = frozenset(_value(item.strip(), field.kind) for item in _unquoted(raw).split(","))
        return Condition(name, op, values)
    return Condition(name, op, _value(_unquoted(raw), field.kind))


def _value(text: str, kind: str) -> Any:
    try:
        if kind == "time":
            return parse_time(text)
        if kind == "date":
            return date.fromisoformat(text[:10]).isoformat()
        if kind == "flag":
            return {"true": True, "false": False}[text.lower()]
        return Decimal(text) if kind == "number" else text
    except (ValueError, KeyError, InvalidOperation) as error:
        raise bad_parameter("filters") from error


def parse_time(text: str) -> datetime:
    """A time in one of BILL's input forms, as UTC; raises ValueError."""
    for form in _TIME_FORMS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - a bare date means midnight UTC
        except ValueError:
            continue
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    raise ValueError(f"not a time BILL reads: {text}")


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at separators that do not stand between double quotes."""
    parts, quoted, start = [], False, 0
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return parts


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def parse_sort(text: str, allowed: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    """The (field, descending) pairs of a ``sort`` parameter; raises Refusal."""
    pairs = []
    for part in filter(None, text.split(",")):
        name, _, direction = part.partition(":")
        if name not in allowed or direction not in ("", "asc", "desc"):
            raise bad_parameter("sort")
        pairs.append((name, direction == "desc"))
    return tuple(pairs)


def sort_entries(entries: list[Entry], order: tuple[tuple[str, bool], ...]) -> None:
    """Sort in place; rows without the field come first, ties keep their order of creation."""
    for name, descending in reversed(order):
        entries.sort(key=lambda entry: _sort_key(entry, name), reverse=descending)


def _sort_key(entry: Entry, name: str) -> tuple[bool, Any]:
    found = read_field(entry, name)
    return (found is not None, found if found is not None else 0)


def read_field(entry: Entry, name: str) -> Any:
    """A record's value by its dotted API name; None where it is not set."""
    if name == "updatedTime":
        return entry.updated_at
    if name == "createdTime":
        return entry.created_at
    if name in ("id", "archived"):
        return getattr(entry, name)
    value: Any = entry.body
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
