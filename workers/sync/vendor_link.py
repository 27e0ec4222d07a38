"""A bill's vendor: it must be a supplier in Visma before the bill can be a supplier invoice."""

from __future__ import annotations

from dataclasses import dataclass

from shared.bill.models import Kind, Vendor
from shared.errors import NeedsPerson, NotYet
from shared.store import records, visma_index
from shared.store.records import Heard, Record
from shared.store.visma_index import SUPPLIER_TYPE
from workers.sync.content import NOT_IN_BILL, find_kept_vendor
from workers.sync.work import Work

VENDOR: Kind = "vendor"
VENDOR_FIRST = "vendor_first"


@dataclass(frozen=True, slots=True)
class VendorLink:
    """The vendor as last read, and its supplier; ``currency`` is the only one the supplier takes."""

    vendor: Vendor
    supplier_number: str
    currency: str | None


def get_vendor_link(work: Work, vendor_id: str) -> VendorLink:
    """The supplier a bill goes to.

    Raises NotYet while the vendor is not settled (it is made due, and wakes the bill), NeedsPerson
    (``vendor_held``) while a person must act on it, or BILL does not know it.
    """
    with work.conn() as conn:
        found = records.find(conn, work.tenant.id, VENDOR, vendor_id)
        if found is not None and (found.state, found.detail) == ("ignored", NOT_IN_BILL):
            raise NeedsPerson(
                "vendor_held", f"BILL does not know its vendor {vendor_id}: correct the bill's vendor in BILL"
            )
        if found is None or (found.content is None and found.is_linked) or found.state == "ignored":
            records.make_due(conn, work.tenant.id, [Heard(VENDOR, vendor_id, forced=True)])
            raise NotYet(VENDOR_FIRST, f"vendor {vendor_id} goes first")
        if not found.is_linked:
            raise _explain(found)
        entry = visma_index.find_entry(
            conn, work.tenant.id, "supplier", SUPPLIER_TYPE, str(found.visma_number)
        )
    vendor = find_kept_vendor(found)
    if vendor is None:
        raise NotYet(VENDOR_FIRST, f"vendor {vendor_id} goes first")
    fixed = entry.currency if entry and not entry.details.get("currency_override") else None
    return VendorLink(vendor, str(found.visma_number), fixed)


def _explain(vendor: Record) -> NotYet | NeedsPerson:
    label = vendor.label or vendor.bill_id
    if vendor.state in {"held", "dead"}:
        why = vendor.detail or vendor.reason or "it failed for good: see the dead letters"
        return NeedsPerson("vendor_held", f"its vendor {label} is held: {why}")
    return NotYet(VENDOR_FIRST, f"vendor {label} goes first")
