"""A person says which supplier a vendor is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.errors import UniqueViolation

from shared.bill.client import BillClient
from shared.errors import NotFound, UsageError
from shared.store import history, links, records, visma_index
from shared.store.pool import Conn
from shared.store.records import Due, Heard, Urgency
from shared.store.visma_index import SUPPLIER_TYPE, Entry
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from workers.sync.index import supplier_entry
from workers.sync.poll_bill import heard_row
from workers.sync.vendor_link import VENDOR

ACTION = "linked_by_hand"


@dataclass(frozen=True, slots=True)
class HandLink:
    """A vendor tied to a supplier; ``waiting`` bills stand behind the vendor, ``due`` is to be dispatched."""

    vendor_label: str
    supplier: Entry
    waiting: int
    due: list[Due]


@dataclass(frozen=True, slots=True)
class Linker:
    """Ties one tenant's vendors to suppliers, in a person's name."""

    tenant: TenantConfig
    conn: Conn
    bill: BillClient
    visma: VismaClient
    clock: Callable[[], datetime]

    def link(self, vendor_id: str, supplier_number: str, *, by: str) -> HandLink:
        """Store the link, write it into the vendor's history as ``by``'s, and make the vendor due.

        Raises UsageError where BILL does not know the vendor, Visma does not know the supplier, another
        vendor has it, or the tenant's file says otherwise.
        """
        self._refuse_other_file(vendor_id, supplier_number)
        vendor = self._get_vendor(vendor_id)
        supplier = self._get_supplier(supplier_number)
        self._refuse_taken(vendor_id, supplier)
        try:
            with self.conn.transaction():
                return self._store(vendor, supplier, by)
        except UniqueViolation as error:
            taken_by = links.find_vendor(self.conn, self.tenant.id, supplier.number)
            raise self._taken(supplier, taken_by) from error

    def _store(self, vendor: Heard, supplier: Entry, by: str) -> HandLink:
        tenant, vendor_id = self.tenant.id, vendor.bill_id
        links.put_link(self.conn, tenant, vendor_id, supplier.number, made_by=by)
        due = records.make_due(self.conn, tenant, [vendor])
        history.add_entry(self.conn, _entry(tenant, vendor_id, supplier, by))
        waiting = links.count_behind(self.conn, tenant, vendor_id)
        return HandLink(vendor.label or vendor_id, supplier, waiting, due)

    def _get_vendor(self, vendor_id: str) -> Heard:
        """The vendor as something heard: known here, else read from BILL."""
        known = records.find(self.conn, self.tenant.id, VENDOR, vendor_id)
        if known is not None:
            return Heard(VENDOR, vendor_id, label=known.label, forced=True, again=True)
        try:
            row = self.bill.fetch(VENDOR, vendor_id)
        except (NotFound, ValueError) as error:
            raise UsageError(f"BILL has no vendor {vendor_id}: give the vendor's id in BILL") from error
        return replace(heard_row(row, Urgency.WEBHOOK, self.clock()), forced=True)

    def _get_supplier(self, number: str) -> Entry:
        """The supplier as it was last seen, else as Visma shows it now."""
        tenant = self.tenant.id
        known = visma_index.find_entry(self.conn, tenant, "supplier", SUPPLIER_TYPE, number)
        if known is not None:
            return known
        try:
            found = supplier_entry(tenant, self.visma.fetch_supplier(number))
        except NotFound as error:
            raise UsageError(f"Visma has no supplier {number}: give its number in Visma") from error
        visma_index.put_entries(self.conn, [found])
        return found

    def _refuse_other_file(self, vendor_id: str, number: str) -> None:
        in_file = self.tenant.mapping.suppliers
        if in_file.get(vendor_id, number) != number:
            raise UsageError(
                f"the file of {self.tenant.id} ties vendor {vendor_id} to supplier {in_file[vendor_id]}: "
                "change it under [mapping.suppliers] and apply the file"
            )
        other = next((one for one, taken in in_file.items() if taken == number and one != vendor_id), None)
        if other is not None:
            raise UsageError(
                f"the file of {self.tenant.id} ties supplier {number} to vendor {other}: "
                "change it under [mapping.suppliers] and apply the file"
            )

    def _refuse_taken(self, vendor_id: str, supplier: Entry) -> None:
        taken_by = records.find_linked_vendors(self.conn, self.tenant.id, [supplier.number])
        other = taken_by.get(supplier.number, vendor_id)
        if other != vendor_id:
            raise self._taken(supplier, other)

    def _taken(self, supplier: Entry, vendor_id: str | None) -> UsageError:
        known = records.find(self.conn, self.tenant.id, VENDOR, vendor_id) if vendor_id else None
        label = f" ({known.label})" if known and known.label else ""
        return UsageError(
            f"supplier {supplier.number} ({supplier.name}) is linked to vendor {vendor_id}{label} already: "
            "link that one to another supplier first"
        )


def _entry(tenant: str, vendor_id: str, supplier: Entry, by: str) -> history.Entry:
    return history.Entry(
        tenant,
        VENDOR,
        vendor_id,
        actor=by,
        action=ACTION,
        detail=f"tied to {supplier.name} by hand",
        visma_type=supplier.visma_type,
        visma_number=supplier.number,
    )
