"""Reads both systems, fresh, for the month-end proof; our own rows only say where to look and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from shared.bill.client import PAGE_SIZE as BILL_PAGE
from shared.bill.client import BillClient
from shared.bill.models import Bill, Kind, Page, Row, Vendor
from shared.bill.schemas import parse_bill, parse_vendor
from shared.clock import Clock
from shared.errors import NotFound, Permanent
from shared.store import month as rows
from shared.store.pool import Conn
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from workers.close.documents import Documents
from workers.close.models import Facts, Known, Month, Unreadable
from workers.close.patience import Patience
from workers.sync.bill_walk import walk_pages
from workers.sync.mapping_facts import MappingFacts, mapped_keys
from workers.sync.poll_bill import first_since

T = TypeVar("T", Bill, Vendor)

_IDS_AT_ONCE = 1000

Show = Callable[[str], None]


@dataclass(slots=True)
class Gathering:
    """One reading of one month. ``show`` is told how far it is."""

    tenant: TenantConfig
    month: Month
    conn: Conn
    bill: BillClient
    visma: VismaClient
    clock: Clock
    show: Show
    patience: Patience = field(default_factory=lambda: Patience(time.sleep))
    unreadable: list[Unreadable] = field(default_factory=list)

    def gather(self) -> Facts:
        """Everything the comparison needs. Raises what the clients raise."""
        known_ids = rows.list_bill_ids(self.conn, self.tenant.id, self.month.first)
        bills = self._read_bills(known_ids)
        found = Documents(self.tenant, self.month, self.conn, self.visma, self.patience, self.show)
        lists = self.patience.read(self.visma.fetch_lists)
        found.read_lists(lists.periods)
        bill_ids = {*known_ids, *bills, *found.bill_ids()}
        known = self._read_known(bill_ids)
        found.read_ones([one.key for one in known.values() if one.key], bills.keys())
        vendors = self._read_vendors({bill.vendor_id for bill in bills.values()})
        numbers = self._find_numbers(vendors.keys())
        facts = MappingFacts(self.tenant, self.conn, self.bill, self.visma)
        return Facts(
            tenant=self.tenant,
            month=self.month,
            bills=list(bills.values()),
            others=self._read_others(found.bill_ids() - bills.keys()),
            vendors=vendors,
            known=known,
            documents=found.documents,
            loose=found.group_loose(),
            loose_count=found.loose_count,
            supplier_numbers=numbers,
            supplier_names=self._find_names({*numbers.values(), *found.supplier_numbers()}),
            codes=self.patience.read(lambda: facts.fetch_codes(mapped_keys(self.tenant.mapping))),
            lists=lists,
            unreadable=[*self.unreadable, *found.unreadable],
        )

    def _read_bills(self, known_ids: Collection[str]) -> dict[str, Bill]:
        """The month's bills: what changed since long before it, and whatever else we know of."""
        bills: dict[str, Bill] = {}
        wanted, seen = set(known_ids), set[str]()
        started_at, count = self.clock(), 0
        for page in walk_pages(self._fetch_bills, first_since(self.month.first), started_at):
            count += len(page.results)
            self.show(f"reading BILL: {count} bills, {len(bills)} of {self.month.name}")
            self._note_unusable(page)
            for row in page.results:
                seen |= {row.id} & wanted
                self._take(bills, row)
        for row in self._rows_of("bill", wanted - seen):
            self._take(bills, row)
        return bills

    def _fetch_bills(self, since: datetime, cursor: str | None) -> Page[Row]:
        return self.patience.read(lambda: self.bill.list_page("bill", since=since, cursor=cursor))

    def _take(self, bills: dict[str, Bill], row: Row) -> None:
        bill = self._parse(row, parse_bill)
        if bill is not None and self.month.holds(bill.invoice_date):
            bills[row.id] = bill
        else:
            bills.pop(row.id, None)

    def _parse(self, row: Row, parse: Callable[..., T]) -> T | None:
        try:
            return parse(row.body)
        except Permanent as error:
            bill_id = row.id if row.kind == "bill" else None
            self.unreadable.append(Unreadable("BILL", str(error), self._may_be_of_month(row), bill_id))
            return None

    def _may_be_of_month(self, row: Row) -> bool:
        """Unless its own date says that it is not; a vendor's bill tells by itself what is missing."""
        invoice = row.body.get("invoice")
        day = invoice.get("invoiceDate") if isinstance(invoice, Mapping) else None
        is_elsewhere = isinstance(day, str) and not day.startswith(self.month.name)
        return row.kind == "bill" and not is_elsewhere

    def _read_others(self, ids: Collection[str]) -> dict[str, Bill]:
        """Bills outside the month; those that could not be read are known to be there."""
        unreadable = {one.bill_id for one in self.unreadable}
        return self._read_ids("bill", {*ids} - unreadable, parse_bill)

    def _note_unusable(self, page: Page[Row]) -> None:
        self.unreadable += (Unreadable("BILL", problem, of_month=False) for problem in page.unusable)

    def _read_ids(self, kind: Kind, ids: Collection[str], parse: Callable[..., T]) -> dict[str, T]:
        found = ((row.id, self._parse(row, parse)) for row in self._rows_of(kind, ids))
        return {record_id: record for record_id, record in found if record is not None}

    def _read_vendors(self, ids: Collection[str]) -> dict[str, Vendor]:
        self.show(f"reading BILL: {len(ids)} vendors")
        return self._read_ids("vendor", ids, parse_vendor)

    def _rows_of(self, kind: Kind, ids: Collection[str]) -> Iterator[Row]:
        """These records, a hundred a call; what a list leaves out, archived ones say, is asked for alone."""
        for chunk in _chunks(sorted(ids), BILL_PAGE):
            missing = set(chunk)
            for row in self._list_ids(kind, chunk):
                missing.discard(row.id)
                yield row
            for record_id in sorted(missing):
                try:
                    yield self.patience.read(lambda one=record_id: self.bill.fetch(kind, one))  # type: ignore[misc]
                except NotFound:
                    continue

    def _list_ids(self, kind: Kind, chunk: Sequence[str]) -> Sequence[Row]:
        page = self.patience.read(lambda: self.bill.list_page(kind, ids=chunk))
        self._note_unusable(page)
        wanted = set(chunk)  # a filter that was ignored would show everything
        return [row for row in page.results if row.id in wanted]

    def _read_known(self, bill_ids: Collection[str]) -> dict[str, Known]:
        known = {}
        for chunk in _chunks(sorted(bill_ids), _IDS_AT_ONCE):
            for row in rows.list_known(self.conn, self.tenant.id, chunk):
                number = row["visma_number"]
                known[row["bill_id"]] = Known(
                    bill_id=row["bill_id"],
                    state=row["state"],
                    reason=row["reason"],
                    detail=row["detail"],
                    key=(row["visma_type"], number) if number else None,
                    adopted=row["origin"] == "adopted",
                    written_period=row["period"],
                )
        return known

    def _find_numbers(self, vendor_ids: Collection[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for chunk in _chunks(sorted(vendor_ids), _IDS_AT_ONCE):
            found |= rows.find_supplier_numbers(self.conn, self.tenant.id, chunk)
        return found

    def _find_names(self, numbers: Collection[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for chunk in _chunks(sorted(numbers), _IDS_AT_ONCE):
            found |= rows.find_supplier_names(self.conn, self.tenant.id, chunk)
        return found


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
