"""One document in Visma beside what it must show. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from shared.fields import Fields, FieldValue
from shared.visma.models import SupplierInvoice
from workers.close.expected import Expected
from workers.close.models import show_amount
from workers.mapping.equality import same_value, show_value
from workers.mapping.keys import fold_reference

_HEADER: Final = {"supplierReference": "reference", "date": "date", "currencyId": "currency"}
_SEGMENT: Final = "subaccount."
_NOTHING: Final = "nothing"
_EXACT: Final = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One field: its name in words, and what each side shows. ``coding`` for what stands on a line."""

    what: str
    bill: str
    visma: str
    coding: bool = False


def contrast(expected: Expected, actual: SupplierInvoice, names: Mapping[str, str]) -> Iterator[Contrast]:
    """In what a document differs from what it must show; ``names`` are suppliers' by number."""
    if actual.document_type != expected.document_type:
        yield Contrast("kind of document", expected.document_type, actual.document_type)
    yield from _contrast_supplier(expected, actual, names)
    for name, what in _HEADER.items():
        ours, theirs = expected.header.get(name), _header_value(actual, name)
        if not _same_header(name, ours, theirs):
            yield Contrast(what, show_value(ours), show_value(theirs))
    if actual.amount != expected.total:
        yield Contrast(
            "amount",
            show_amount(expected.total, expected.currency),
            show_amount(actual.amount, actual.currency_id),
        )
    if expected.lines is None:
        yield Contrast("mapping", expected.problem or "", "cannot be compared", coding=True)
    else:
        yield from _contrast_lines(expected.lines, actual, totals_agree=actual.amount == expected.total)


def _contrast_supplier(
    expected: Expected, actual: SupplierInvoice, names: Mapping[str, str]
) -> Iterator[Contrast]:
    ours, theirs = expected.header.get("supplierNumber"), actual.supplier_number.strip()
    if ours != theirs:
        shown = _named(str(ours), names) if ours else "a vendor without a supplier in Visma"
        yield Contrast("supplier", shown, _named(theirs, names))


def _contrast_lines(
    lines: tuple[Fields, ...], actual: SupplierInvoice, *, totals_agree: bool
) -> Iterator[Contrast]:
    shown = sorted(actual.lines, key=lambda line: line.number)
    if len(shown) != len(lines):
        yield Contrast("lines", f"{len(lines)}", f"{len(shown)}", coding=True)
    for number, (ours, line) in enumerate(zip(lines, shown, strict=False), start=1):
        theirs = line.fields
        for name, what in _line_fields(ours):
            if not same_value(name, ours[name], theirs.get(name)):
                shown_values = show_value(ours[name]), show_value(theirs.get(name))
                yield Contrast(f"{what} of line {number}", *shown_values, coding=True)
        amounts = _line_amount(ours), _line_amount(theirs)
        if totals_agree and amounts[0] != amounts[1]:
            ours_shown, theirs_shown = map(show_value, amounts)
            yield Contrast(f"amount of line {number}", ours_shown, theirs_shown, coding=True)


def _line_fields(ours: Fields) -> Iterator[tuple[str, str]]:
    yield "accountNumber", "account"
    yield "vatCodeId", "VAT category"
    for name in ours:
        if name.startswith(_SEGMENT):
            yield name, f"segment {name.removeprefix(_SEGMENT)}"


def _line_amount(fields: Fields) -> Decimal | None:
    quantity, cost = fields.get("quantity"), fields.get("unitCostInCurrency")
    if not isinstance(quantity, Decimal) or not isinstance(cost, Decimal):
        return None
    return _EXACT.multiply(quantity, cost)


def _header_value(actual: SupplierInvoice, name: str) -> FieldValue:
    if name == "supplierReference":
        return actual.supplier_reference
    if name == "date":
        return actual.date.isoformat() if actual.date else None
    return (actual.currency_id or "").strip()


def _same_header(name: str, ours: FieldValue, theirs: FieldValue) -> bool:
    if name == "supplierReference":
        return fold_reference(str(ours or "")) == fold_reference(str(theirs or ""))
    return same_value(name, ours, theirs)


def _named(number: str, names: Mapping[str, str]) -> str:
    name = names.get(number)
    return f"{number} ({name})" if name else number or _NOTHING
