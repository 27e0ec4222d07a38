"""A backfill: everything that changed in BILL since a date, at the back of the queue."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from shared.bill.client import BillClient
from shared.bill.models import Kind
from shared.errors import Retryable
from shared.store import records
from shared.store.pool import Pool
from shared.store.records import Urgency
from shared.tenants import TenantConfig
from workers.sync.poll_bill import FIRST_LOOK_BACK, heard_row

KINDS: tuple[Kind, ...] = ("vendor", "bill")


def backfill(pool: Pool, bill: BillClient, tenant: TenantConfig, since: str | None) -> int:
    """Make due what BILL changed since ``since`` (a date, or the tenant's first); how many rows were seen."""
    if since is None:
        start = datetime.combine(tenant.sync.bills_since, time(), UTC) - FIRST_LOOK_BACK
    else:
        start = datetime.combine(date.fromisoformat(since), time(), UTC)
    return sum(_walk(pool, bill, tenant, kind, start) for kind in KINDS)


def _walk(pool: Pool, bill: BillClient, tenant: TenantConfig, kind: Kind, since: datetime) -> int:
    count, cursor, seen = 0, None, set[str]()
    while True:
        page = bill.list_page(kind, since=since, cursor=cursor)
        with pool.connection() as conn:
            heard = [heard_row(row, Urgency.BACKFILL) for row in page.results]
            records.make_due(conn, tenant.id, heard)
        count += len(page.results)
        cursor = page.next_page
        if cursor is None:
            return count
        if cursor in seen:
            raise Retryable("BILL's list repeats a page", retry_after_s=5, counts=False)
        seen.add(cursor)
