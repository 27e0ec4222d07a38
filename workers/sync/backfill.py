"""A backfill: everything that changed in BILL since a date, at the back of the queue."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as midnight
from functools import partial
from typing import Any

from shared.bill.client import BillClient
from shared.bill.models import Kind, Page, Row
from shared.store import records
from shared.store.pool import Connections
from shared.store.records import Urgency
from shared.tenants import TenantConfig
from workers.sync.bill_walk import Progress, walk_on
from workers.sync.poll_bill import first_since, heard_row

KINDS: tuple[Kind, ...] = ("vendor", "bill")


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far a backfill has come; ``resume`` is None once it is over."""

    rows: int
    resume: dict[str, Any] | None = None


def backfill(
    pool: Connections,
    bill: BillClient,
    tenant: TenantConfig,
    since: str | None,
    clock: Callable[[], datetime],
    *,
    resume: dict[str, Any] | None = None,
    until: float = math.inf,
    tell: Callable[[int], None] = lambda rows: None,
) -> Backfill:
    """Make due what BILL changed since ``since`` (a date, or the tenant's first), vendors before bills.

    Ends early at ``until`` (monotonic seconds); ``resume`` is what an earlier piece returned. ``tell`` hears
    after every page how many rows were read.
    """
    start = _start(tenant, since)
    done = Progress.from_json(resume["progress"]) if resume else Progress.begin(start, clock())
    rows = int(resume["rows"]) if resume else 0
    for kind in KINDS[KINDS.index(resume["kind"]) :] if resume else KINDS:
        begun_at = done.at
        for page, reached in walk_on(partial(_fetch, bill, kind), done):
            heard = [heard_row(row, Urgency.BACKFILL, clock()) for row in page.results]
            with pool.connection() as conn:
                records.make_due(conn, tenant.id, heard)
            rows += len(page.results)
            tell(rows)
            if time.monotonic() > until and reached.at != begun_at:
                return Backfill(rows, {"kind": kind, "progress": reached.to_json(), "rows": rows})
        done = Progress.begin(start, clock())
    return Backfill(rows)


def _fetch(bill: BillClient, kind: Kind, value: datetime, cursor: str | None) -> Page[Row]:
    return bill.list_page(kind, since=value, cursor=cursor)


def _start(tenant: TenantConfig, since: str | None) -> datetime:
    if since is None:
        return first_since(tenant.sync.bills_since)
    return datetime.combine(date.fromisoformat(since), midnight(), UTC)
