"""What a row keeps as last written to Visma, as JSON and back."""

from __future__ import annotations

from typing import Any, Literal

from shared.fields import Fields, fields_from_json
from shared.visma.models import SupplierInvoice
from workers.mapping.supplier_invoice import SupplierInvoiceDraft, WrittenBody

Origin = Literal["created", "matched", "adopted"]
"""Who made the document: we did, or people did and we found it."""


def supplier_body(fields: Fields, origin: Origin) -> dict[str, Any]:
    """A supplier's fields as written."""
    return {"fields": dict(fields), "origin": origin}


def invoice_body(draft: SupplierInvoiceDraft, origin: Origin) -> dict[str, Any]:
    """A supplier invoice's header and lines as written; ``hold`` is not part of what BILL decides."""
    return {
        "document_type": draft.document_type,
        "header": {name: value for name, value in draft.header.items() if name != "hold"},
        "lines": [dict(line) for line in draft.lines],
        "total": draft.total,
        "currency": draft.currency,
        "origin": origin,
    }


def document_body(document: SupplierInvoice) -> dict[str, Any]:
    """A document of ours as Visma shows it, for a row that no longer knows what it wrote."""
    lines = sorted(document.lines, key=lambda line: line.number)
    return {
        "document_type": document.document_type,
        "header": {name: value for name, value in document.fields.items() if name != "hold"},
        "lines": [dict(line.fields) for line in lines],
        "total": document.amount,
        "currency": document.currency_id,
        "origin": "created",
    }


def written_body(body: dict[str, Any]) -> WrittenBody:
    """The header and lines that ``invoice_body`` kept."""
    return WrittenBody(
        header=fields_from_json(body["header"]),
        lines=tuple(fields_from_json(line) for line in body["lines"]),
    )


def merged_body(body: dict[str, Any], shown: WrittenBody) -> dict[str, Any]:
    """A body with the header and lines that are there by now."""
    return {**body, "header": dict(shown.header), "lines": [dict(line) for line in shown.lines]}
