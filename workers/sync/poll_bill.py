"""Walks BILL's vendors or bills by ``updatedTime`` and makes due what changed.

A list page carries whole records, so none is read a second time. The watermark is the newest
``updatedTime`` seen in answers, and moves only after the whole walk is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from shared import jsontext
from shared.bill.client import format_since
from shared.bill.models import Kind, Row
from shared.errors import Retryable
from shared.store import records
from shared.store.records import Heard, Urgency
from workers.sync.content import describe
from workers.sync.poll import PollWork, Walked

FIRST_LOOK_BACK = timedelta(days=90)
"""A bill may have been entered this long before the first invoice date that counts."""


def walk_bill(work: PollWork) -> Walked:
    """One whole walk since the watermark less the overlap."""
    started_at = work.clock()
    position = work.find_position()
    since = _since(work, position)
    rows, newest = walk_rows(work, since, Urgency.POLL if position else Urgency.BACKFILL)
    # A time in the future would hide everything until then: the watermark stays at our clock at most.
    reached = min(newest, started_at) if newest else None
    work.complete(format_since(reached) if reached else position, started_at)
    return Walked(rows)


def walk_rows(work: PollWork, since: datetime, urgency: Urgency) -> tuple[int, datetime | None]:
    """Store every row changed since a time, page by page; how many, and the newest ``updatedTime``."""
    kind: Kind = "vendor" if work.poll.kind == "vendor" else "bill"
    rows, newest, cursor, seen = 0, None, None, set[str]()
    while True:
        work.hold()
        page = work.bill.list_page(kind, since=since, cursor=cursor)
        _store(work, page.results, urgency)
        rows += len(page.results)
        times = [row.updated_at for row in page.results if row.updated_at is not None]
        newest = max([*times, *([newest] if newest else [])], default=None)
        cursor = page.next_page
        if cursor is None:
            return rows, newest
        if cursor in seen:
            raise Retryable("BILL's list repeats a page", retry_after_s=5, counts=False)
        seen.add(cursor)


def _store(work: PollWork, rows: Sequence[Row], urgency: Urgency) -> None:
    with work.conn() as conn:
        records.make_due(conn, work.tenant.id, [heard_row(row, urgency) for row in rows])


def heard_row(row: Row, urgency: Urgency) -> Heard:
    """A whole record from a list or a single read, as something heard."""
    label, vendor_id = describe(row)
    return Heard(
        row.kind,
        row.id,
        row.updated_at,
        jsontext.dumps(row.body).encode(),
        urgency=urgency,
        label=label,
        vendor_id=vendor_id,
    )


def _since(work: PollWork, position: str | None) -> datetime:
    if position is not None:
        overlap = timedelta(seconds=work.tenant.sync.poll_overlap_s)
        return datetime.fromisoformat(position) - overlap
    return datetime.combine(work.tenant.sync.bills_since, time(), UTC) - FIRST_LOOK_BACK
