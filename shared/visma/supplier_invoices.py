"""Supplier invoices at Visma (Visma reference: supplierInvoice). Numbers are unique per type only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from shared.errors import Refused
from shared.fields import Fields
from shared.visma.calls import VismaCalls
from shared.visma.models import LineChange, Page, SupplierInvoice, Written
from shared.visma.schemas import parse_page, parse_supplier_invoice
from shared.visma.suppliers import PAGE_SIZE, WITH_NOTE, paging, since
from shared.visma.wrapping import wrap_invoice_changes, wrap_new_invoice

_LIST: Final = "/v1/supplierInvoice"
_ONE: Final = "/v1/supplierInvoice/{documentType}/{number}"
_RELEASE: Final = "/v1/supplierInvoice/{documentType}/{number}/action/release"


class SupplierInvoiceCalls(VismaCalls):
    """Reads and writes of supplier invoices, and their release."""

    def list_supplier_invoices(
        self,
        *,
        modified_since: str | None = None,
        supplier: str | None = None,
        document_date_from: date | None = None,
        period: str | None = None,
        page: int = 1,
        page_size: int = PAGE_SIZE,
    ) -> Page[SupplierInvoice]:
        """One page, in no order, notes included; past the end it is empty.

        ``modified_since`` is Visma's own text and inclusive, ``document_date_from`` too; ``period`` is an
        entry of Visma's calendar (YYYYPP). Documents of another supplier than asked for are left out: a
        filter may be ignored silently.
        """
        params = paging(page, page_size) | since(modified_since) | WITH_NOTE
        if supplier is not None:
            params["supplier"] = supplier
        if period is not None:
            params["financialPeriod"] = period
        if document_date_from is not None:
            params |= {"docDate": document_date_from.isoformat(), "docDateCondition": ">="}
        body, _ = self.fetch(_LIST, params=params)
        found = parse_page(body, parse_supplier_invoice, "supplier invoices")
        if supplier is None:
            return found
        ours = tuple(one for one in found.results if one.supplier_number == supplier)
        return Page(ours, found.total_count, found.unusable)

    def fetch_supplier_invoice(self, document_type: str, number: str) -> SupplierInvoice:
        """A supplier invoice with lines and ETag; ``NotFound`` for an unknown type and number."""
        body, etag = self.fetch(_ONE, document_type, number, params=WITH_NOTE)
        return parse_supplier_invoice(body, etag=etag)

    def create_supplier_invoice(self, header: Fields, lines: Sequence[Fields]) -> Written:
        """A new supplier invoice; ``Refused`` with Visma's words, ``OutcomeUnknown`` for a lost answer."""
        return self.create(_LIST, wrap_new_invoice(header, lines))

    def update_supplier_invoice(
        self,
        document_type: str,
        number: str,
        header: Fields,
        lines: Sequence[LineChange],
        etag: str | None,
    ) -> Written:
        """Change the given header fields and lines; ``PreconditionFailed`` on a stale ``etag``.

        An inserted line is inserted again by a repeat: never repeat it without reading first.
        """
        body = wrap_invoice_changes(header, lines)
        return self.update(_ONE, document_type, number, body=body, etag=etag)

    def delete_supplier_invoice(self, document_type: str, number: str) -> None:
        """Delete an unreleased supplier invoice; Visma checks no ETag here."""
        self.call("DELETE", _ONE, document_type, number)

    def release_supplier_invoice(self, document_type: str, number: str, etag: str | None = None) -> None:
        """Ask for release; Visma answers at once and does it later, so read the status afterwards."""
        answer = self.call("POST", _RELEASE, document_type, number, etag=etag)
        content = answer.find_json()
        if isinstance(content, dict) and content.get("actionResult") == "Failed":
            raise Refused(str(content.get("errorInfo") or "the release failed"))
