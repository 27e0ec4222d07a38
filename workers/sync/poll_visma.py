"""Walks Visma's suppliers or supplier invoices into the index, and wakes what waited for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.store import records, visma_index
from shared.store.records import Heard, Urgency
from shared.store.visma_index import Entry
from shared.visma.models import Page, Supplier, SupplierInvoice
from shared.visma.suppliers import PAGE_SIZE
from workers.sync.index import supplier_entry, supplier_invoice_entry
from workers.sync.poll import PollWork, Walked
from workers.sync.walks import walk_whole

OVERLAP = timedelta(hours=2)
"""Visma's times are local and have no zone: an hour when clocks go back, and one to spare."""

WALK_FIRST = "walk_first"


def walk_visma(work: PollWork) -> Walked:
    """One whole walk since the watermark; what waited for it is due."""
    started_at = work.clock()
    position = work.find_position()
    since = _with_overlap(position)
    walk = _walk_suppliers if work.poll.kind == "supplier" else _walk_supplier_invoices
    rows, newest = walk(work, since)
    work.complete(newest, started_at)
    with work.conn() as conn:
        due = records.wake(conn, work.tenant.id, WALK_FIRST)
        again = records.find_unlike(conn, work.tenant.id, started_at)
        if work.tenant.sync.release_invoices:
            again += records.find_releasable(conn, work.tenant.id)
        heard = [Heard("bill", bill_id, urgency=Urgency.POLL, again=True) for bill_id in dict.fromkeys(again)]
        due += records.make_due(conn, work.tenant.id, heard)
    return Walked(rows, tuple(due))


def _walk_suppliers(work: PollWork, since: str | None) -> tuple[int, str | None]:
    def fetch(page: int) -> Page[Supplier]:
        work.hold()
        return work.visma.list_suppliers(modified_since=since, page=page)

    store = _Store(work)
    first = walk_whole(
        fetch, PAGE_SIZE, lambda page: store([supplier_entry(work.tenant.id, one) for one in page.results])
    )
    return store.rows, _newest(one.last_modified for one in first.results)


def _walk_supplier_invoices(work: PollWork, since: str | None) -> tuple[int, str | None]:
    # The first walk is by document date: what people entered for the time we carry must be known.
    from_date = work.tenant.sync.bills_since if since is None else None

    def fetch(page: int) -> Page[SupplierInvoice]:
        work.hold()
        return work.visma.list_supplier_invoices(
            modified_since=since, document_date_from=from_date, page=page
        )

    store = _Store(work)
    first = walk_whole(
        fetch,
        PAGE_SIZE,
        lambda page: store([supplier_invoice_entry(work.tenant.id, one) for one in page.results]),
    )
    return store.rows, _newest(one.last_modified for one in first.results)


class _Store:
    """Puts pages into the index and counts their rows."""

    def __init__(self, work: PollWork) -> None:
        self._work = work
        self.rows = 0

    def __call__(self, entries: Sequence[Entry]) -> None:
        self.rows += len(entries)
        with self._work.conn() as conn:
            visma_index.put_entries(conn, entries)


def _newest(times: Iterable[str | None]) -> str | None:
    return max((time for time in times if time), default=None)


def _with_overlap(position: str | None) -> str | None:
    if position is None:
        return None
    return (datetime.fromisoformat(position) - OVERLAP).isoformat(timespec="milliseconds")
