"""Reads Visma's side of the month-end proof: by document date, by financial period, and one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from shared.errors import NotFound
from shared.store import month as rows
from shared.store.pool import Conn
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from shared.visma.models import FinancialPeriod, Page, SupplierInvoice
from shared.visma.suppliers import PAGE_SIZE
from workers.close.compare import marked_bill
from workers.close.models import VOIDED, Key, Loose, Month, Unreadable
from workers.close.patience import Patience
from workers.mapping.keys import fold_reference
from workers.sync.walks import walk_whole

Show = Callable[[str], None]


@dataclass(slots=True)
class Documents:
    """The documents of a month. Kept whole are only those that are some bill's; of others a few words."""

    tenant: TenantConfig
    month: Month
    conn: Conn
    visma: VismaClient
    patience: Patience
    show: Show
    documents: dict[Key, SupplierInvoice] = field(default_factory=dict)
    owners: dict[Key, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    _loose: dict[Key, tuple[str, str, Loose]] = field(default_factory=dict)
    _loose_in_month: set[Key] = field(default_factory=set)
    _periods: frozenset[str] = frozenset()

    def read_lists(self, periods: Sequence[FinancialPeriod]) -> None:
        """Both lists: dated from the month on, and posted into the periods that overlap it."""
        self._periods = self.month.overlapping(periods)
        self._walk(None)
        for period in sorted(self._periods):
            self._walk(period)

    def read_ones(self, keys: Collection[Key], bill_ids: Collection[str]) -> None:
        """Documents that our rows or our index name for the month's bills and that no list showed."""
        marked = rows.list_marked(self.conn, self.tenant.id, bill_ids)
        missing = sorted({*keys, *marked} - self.documents.keys())
        for count, key in enumerate(missing, start=1):
            self.show(f"reading Visma: document {count} of {len(missing)}, one by one")
            self._read_one(key)
        self._complete_lines()

    def bill_ids(self) -> set[str]:
        """The bills that the documents belong to."""
        marked = (marked_bill(document) for document in self.documents.values())
        return {bill_id for bill_id in (*marked, *self.owners.values()) if bill_id is not None}

    def supplier_numbers(self) -> set[str]:
        """The documents' suppliers."""
        return {document.supplier_number for document in self.documents.values()}

    def group_loose(self) -> dict[tuple[str, str], list[Loose]]:
        """What people entered, by supplier and folded reference."""
        grouped: dict[tuple[str, str], list[Loose]] = defaultdict(list)
        for key, (supplier, reference, loose) in self._loose.items():
            if key not in self.documents:
                grouped[(supplier, reference)].append(loose)
        return grouped

    @property
    def loose_count(self) -> int:
        """How many documents of the month did not come from BILL."""
        return len(self._loose_in_month - self.documents.keys())

    def _list(self, page: int, period: str | None) -> Page[SupplierInvoice]:
        self.show(f"reading Visma: {len(self.documents) + len(self._loose)} documents")
        first = None if period else self.month.first
        return self.patience.read(
            lambda: self.visma.list_supplier_invoices(document_date_from=first, period=period, page=page)
        )

    def _walk(self, period: str | None) -> None:
        def take(page: Page[SupplierInvoice]) -> None:
            self._take_page(page, of_month=period is not None)

        walk_whole(lambda number: self._list(number, period), PAGE_SIZE, take)

    def _take_page(self, page: Page[SupplierInvoice], *, of_month: bool) -> None:
        """``of_month``: Visma said so of what cannot be read; by date alone it may be any later one."""
        self.unreadable += (Unreadable("Visma", problem, of_month) for problem in page.unusable)
        ours = [document for document in page.results if self._is_of_month(document)]
        unmarked = []
        for document in ours:
            if marked_bill(document) is None:
                unmarked.append(document)
            else:
                self.documents[_key(document)] = document
        self._take_unmarked(unmarked)

    def _take_unmarked(self, documents: Iterable[SupplierInvoice]) -> None:
        """A document without our marker is a bill's if our rows say so: adopted. Else a person's."""
        by_key = {_key(document): document for document in documents}
        owners = rows.find_owners(self.conn, self.tenant.id, by_key) if by_key else {}
        self.owners |= owners
        for key, document in by_key.items():
            if key in owners:
                self.documents[key] = document
            elif document.status != VOIDED:
                self._take_loose(key, document)

    def _take_loose(self, key: Key, document: SupplierInvoice) -> None:
        reference = fold_reference(document.supplier_reference)
        loose = Loose(key, document.amount, document.currency_id)
        self._loose[key] = (document.supplier_number.strip(), reference, loose)
        if self.month.holds(document.date):
            self._loose_in_month.add(key)

    def _is_of_month(self, document: SupplierInvoice) -> bool:
        """Asked for by a filter, and looked at again: an unknown filter would be ignored silently."""
        return self.month.holds(document.date) or document.fields.get("financialPeriod") in self._periods

    def _read_one(self, key: Key) -> None:
        try:
            self.documents[key] = self.patience.read(lambda: self.visma.fetch_supplier_invoice(*key))
        except NotFound:
            return

    def _complete_lines(self) -> None:
        """A list that shows no lines proves nothing about accounts: such documents are read alone."""
        for key, document in list(self.documents.items()):
            if document.lines:
                continue
            self.show(f"reading Visma: lines of {key[0]} {key[1]}")
            self._read_one(key)
            self.documents[key] = replace(self.documents[key], note=document.note)


def _key(document: SupplierInvoice) -> Key:
    return (document.document_type, document.number)
