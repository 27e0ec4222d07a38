"""The write shape: flat fields into Visma's JSON, where scalars stand in ``{"value": ...}``.

Visma docs: value wrapper. Bare are ``operation``, ``overrideWithClassValues`` and the array of a
line's ``subaccount``. A None clears the field; a field left out stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from shared.fields import Fields, FieldValue
from shared.visma.dtos import SUPPLIER, SUPPLIER_INVOICE, SUPPLIER_INVOICE_LINE, Dto, FieldSpec
from shared.visma.models import LineChange

_SEGMENT: Final = re.compile(r"subaccount\.([1-9]\d{0,2})", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def wrap_supplier(fields: Fields) -> dict[str, Any]:
    """A supplier's fields as POST and PUT take them; ValueError for a field Visma does not have."""
    return wrap(fields, SUPPLIER)


def wrap_new_invoice(header: Fields, lines: Sequence[Fields]) -> dict[str, Any]:
    """A new supplier invoice: lines numbered from 1 in their order."""
    changes = [LineChange("Insert", number, fields) for number, fields in enumerate(lines, start=1)]
    return wrap_invoice_changes(header, changes)


def wrap_invoice_changes(header: Fields, lines: Sequence[LineChange]) -> dict[str, Any]:
    """A supplier invoice's changed fields and lines; lines not mentioned stay."""
    wrapped = wrap(header, SUPPLIER_INVOICE)
    if lines:
        wrapped["invoiceLines"] = [_wrap_line(change) for change in lines]
    return wrapped


def wrap(fields: Fields, dto: Dto) -> dict[str, Any]:
    """Flat fields of one DTO, wrapped; ValueError for an unknown name or a value of another type."""
    wrapped: dict[str, Any] = {}
    segments: dict[int, str] = {}
    for name, value in fields.items():
        segment = _SEGMENT.fullmatch(name)
        if segment and dto is SUPPLIER_INVOICE_LINE:
            segments[int(segment.group(1))] = _segment_value(name, value)
        else:
            _put(wrapped, name, _wrap_value(name, value, dto))
    if segments:
        wrapped["subaccount"] = [
            {"segmentId": number, "segmentValue": segments[number]} for number in sorted(segments)
        ]
    return wrapped


def _wrap_line(change: LineChange) -> dict[str, Any]:
    if change.operation != "Insert" and change.line_number is None:
        raise ValueError(f"a line to {change.operation} needs its number")
    line: dict[str, Any] = {"operation": change.operation}
    if change.line_number is not None:
        line["lineNumber"] = {"value": change.line_number}
    return line | wrap(change.fields, SUPPLIER_INVOICE_LINE)


def _put(wrapped: dict[str, Any], name: str, value: Any) -> None:
    parent, _, child = name.rpartition(".")
    if parent:
        wrapped.setdefault(parent, {"value": {}})["value"][child] = value
    else:
        wrapped[name] = value


def _wrap_value(name: str, value: FieldValue, dto: Dto) -> Any:
    spec = dto.get(name)
    if spec is None:
        raise ValueError(f"Visma has no field {name!r} there, and would ignore it silently")
    plain = None if value is None else _plain(name, value, spec)
    return plain if spec.bare else {"value": plain}


def _plain(name: str, value: FieldValue, spec: FieldSpec) -> Any:
    if spec.type == "text" and isinstance(value, str):
        return value
    if spec.type == "bool" and isinstance(value, bool):
        return value
    if spec.type == "date" and isinstance(value, str) and _DAY.fullmatch(value):
        return f"{value}T00:00:00"
    if isinstance(value, Decimal) and value.is_finite():
        if spec.type == "number":
            return Decimal(format(value, "f"))
        if spec.type == "int" and value == value.to_integral_value():
            return int(value)
    raise ValueError(f"{name} takes a {spec.type}, not a {type(value).__name__}")


def _segment_value(name: str, value: FieldValue) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} takes a text: Visma wants every segment in full")
    return value
