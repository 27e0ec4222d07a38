"""The draft of a supplier invoice, judged against the newest lists a miss can make us fetch."""

from __future__ import annotations

from shared.bill.models import Bill
from shared.errors import NeedsPerson
from workers.mapping.codes import RESOURCES, Codes, unknown_code_keys
from workers.mapping.supplier_invoice import SupplierInvoiceDraft, WrittenBody, map_supplier_invoice
from workers.sync.vendor_link import VendorLink
from workers.sync.work import Work

LISTED_REASONS = frozenset(
    {
        "unknown_currency",
        "period_missing",
        "period_closed",
        "inactive_account",
        "unknown_segment_value",
        "unknown_vat_category",
    }
)
"""Causes that stand in Visma's lists: a miss fetches them anew once before a person is asked."""


def draft_supplier_invoice(
    work: Work, bill: Bill, link: VendorLink, *, before: WrittenBody | None = None, checked: bool = True
) -> SupplierInvoiceDraft:
    """The supplier invoice for a bill. Raises NeedsPerson where it cannot be one yet."""
    codes = load_codes(work, bill)
    try:
        return _map(work, bill, link, codes, before, checked=checked, refresh=False)
    except NeedsPerson as error:
        if error.reason not in LISTED_REASONS:
            raise
    return _map(work, bill, link, codes, before, checked=checked, refresh=True)


def load_codes(work: Work, bill: Bill) -> Codes:
    """BILL's lists behind the ids on this bill that the mapping asks for; one with an unknown id anew."""
    mapped = {"chartOfAccountId", *(segment.source for segment in work.tenant.mapping.segments)}
    keys = mapped & RESOURCES.keys()
    codes = work.lists.codes(keys)
    missed = unknown_code_keys(bill, codes) & keys
    return work.lists.codes(keys, refresh=missed) if missed else codes


def _map(
    work: Work,
    bill: Bill,
    link: VendorLink,
    codes: Codes,
    before: WrittenBody | None,
    *,
    checked: bool,
    refresh: bool,
) -> SupplierInvoiceDraft:
    return map_supplier_invoice(
        bill,
        link.vendor,
        supplier_number=link.supplier_number,
        supplier_currency=link.currency,
        config=work.tenant,
        codes=codes,
        lists=work.lists.visma_lists(refresh=refresh),
        written=before,
        checked=checked,
    )
