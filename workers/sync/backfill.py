"""A backfill: everything that changed in BILL since a date, at the back of the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

from shared.bill.client import BillClient
from shared.bill.models import Kind, Page, Row
from shared.store import records
from shared.store.pool import Pool
from shared.store.records import Urgency
from shared.tenants import TenantConfig
from workers.sync.bill_walk import walk_pages
from workers.sync.poll_bill import first_since, heard_row

KINDS: tuple[Kind, ...] = ("vendor", "bill")


def backfill(
    pool: Pool, bill: BillClient, tenant: TenantConfig, since: str | None, clock: Callable[[], datetime]
) -> int:
    """Make due what BILL changed since ``since`` (a date, or the tenant's first); how many were seen."""
    if since is None:
        start = first_since(tenant.sync.bills_since)
    else:
        start = datetime.combine(date.fromisoformat(since), time(), UTC)
    return sum(_walk(pool, bill, tenant, kind, start, clock) for kind in KINDS)


def _walk(
    pool: Pool,
    bill: BillClient,
    tenant: TenantConfig,
    kind: Kind,
    since: datetime,
    clock: Callable[[], datetime],
) -> int:
    def fetch(value: datetime, cursor: str | None) -> Page[Row]:
        return bill.list_page(kind, since=value, cursor=cursor)

    count = 0
    for page in walk_pages(fetch, since, clock()):
        heard = [heard_row(row, Urgency.BACKFILL, clock()) for row in page.results]
        with pool.connection() as conn:
            records.make_due(conn, tenant.id, heard)
        count += len(page.results)
    return count
