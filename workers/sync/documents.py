"""A document in Visma beside the draft of ours: is it the same, and what differs. Pure."""

from __future__ import annotations

from decimal import Decimal

from shared.fields import FieldValue
from shared.visma.models import SupplierInvoice
from workers.mapping.equality import same_value, show_value
from workers.mapping.keys import fold_reference
from workers.mapping.supplier_invoice import SupplierInvoiceDraft

_NOT_COMPARED = frozenset({"note", "hold", "paySelected"})
"""Ours to write, but nothing an accountant has to correct when it differs."""


def is_same_document(draft: SupplierInvoiceDraft, actual: SupplierInvoice) -> bool:
    """Whether a document that stands in Visma already is this draft's, so that it can be adopted.

    Same type, supplier, reference (trimmed, case-folded), currency and amount.
    """
    return (
        actual.document_type == draft.document_type
        and actual.supplier_number.strip() == draft.header["supplierNumber"]
        and fold_reference(actual.supplier_reference) == fold_reference(_text(draft, "supplierReference"))
        and (actual.currency_id or "").strip() == draft.currency
        and actual.amount == draft.total
    )


def differences(draft: SupplierInvoiceDraft, actual: SupplierInvoice) -> tuple[str, ...]:
    """In what the document in Visma differs from what BILL asks for, in words; empty where it does not.

    Lines are compared by position where Visma showed any.
    """
    found = [
        _describe(name, value, actual.fields.get(name))
        for name, value in draft.header.items()
        if name not in _NOT_COMPARED and not same_value(name, value, actual.fields.get(name))
    ]
    if actual.amount != draft.total:
        found.append(_describe(f"amount in {draft.currency}", draft.total, actual.amount))
    return (*found, *_line_differences(draft, actual))


def _line_differences(draft: SupplierInvoiceDraft, actual: SupplierInvoice) -> list[str]:
    if not actual.lines:
        return []
    shown = sorted(actual.lines, key=lambda line: line.number)
    found = [
        _describe(f"line {number} {name}", value, line.fields.get(name))
        for number, (ours, line) in enumerate(zip(draft.lines, shown, strict=False), start=1)
        for name, value in ours.items()
        if not same_value(name, value, line.fields.get(name))
    ]
    if len(shown) != len(draft.lines):
        found.append(_describe("number of lines", Decimal(len(draft.lines)), Decimal(len(shown))))
    return found


def _describe(name: str, ours: FieldValue, theirs: FieldValue) -> str:
    return f"{name}: BILL {show_value(ours)}, Visma {show_value(theirs)}"


def _text(draft: SupplierInvoiceDraft, name: str) -> str:
    return str(draft.header.get(name) or "")
