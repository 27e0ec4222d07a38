"""A backfill: everything that changed in BILL since a date, at the back of the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from datetime import time as midnight
from functools import partial

from shared.bill.client import BillClient
from shared.bill.models import Kind, Page, Row
from shared.store import records, watermarks
from shared.store.pool import Connections
from shared.store.records import Urgency
from shared.tenants import TenantConfig
from workers.sync.bill_walk import Progress, walk_on
from workers.sync.poll import PollWork, Walked
from workers.sync.poll_bill import first_since, heard_row, walk_since

KINDS: tuple[Kind, ...] = ("vendor", "bill")


def backfill(
    pool: Connections,
    bill: BillClient,
    tenant: TenantConfig,
    since: str | None,
    clock: Callable[[], datetime],
    *,
    tell: Callable[[int], None] = lambda rows: None,
) -> int:
    """Make due what BILL changed since ``since`` (a date, or the tenant's first), vendors before bills.

    Walks here and now, for who waits for the end of it; how many rows there were. ``tell`` hears after
    every page how many it are.
    """
    start, rows = _start(tenant, since), 0
    for kind in KINDS:
        for page, _ in walk_on(partial(_fetch, bill, kind), Progress.begin(start, clock())):
            heard = [heard_row(row, Urgency.BACKFILL, clock()) for row in page.results]
            with pool.connection() as conn:
                records.make_due(conn, tenant.id, heard)
            rows += len(page.results)
            tell(rows)
    return rows


def walk_backfill(work: PollWork) -> Walked:
    """Make due what BILL changed since the day that the row names, as a poll that ends for good."""
    since = _start(work.tenant, work.find_position())
    progress, is_whole = walk_since(work, since, Urgency.BACKFILL)
    if not is_whole:
        return Walked(progress.rows, resume=progress.to_json())
    with work.conn() as conn:
        watermarks.end_backfill(conn, work.poll)
    return Walked(progress.rows)


def _fetch(bill: BillClient, kind: Kind, value: datetime, cursor: str | None) -> Page[Row]:
    return bill.list_page(kind, since=value, cursor=cursor)


def _start(tenant: TenantConfig, since: str | None) -> datetime:
    if since is None:
        return first_since(tenant.sync.bills_since)
    return datetime.combine(date.fromisoformat(since), midnight(), UTC)
