"""Polls of BILL: what changed since the watermark, bills that wait, and the sweep over a longer window.

A list page carries whole records, so none is read a second time; what a record's row has already is no
news. The watermark is the newest ``updatedTime`` seen in answers, and moves only after the whole walk
is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from shared import jsontext, logs
from shared.bill.answers import CursorExpired
from shared.bill.client import PAGE_SIZE, format_since
from shared.bill.models import Kind, Page, Row
from shared.store import attachments, records
from shared.store.records import Heard, Urgency
from shared.visma.models import EDITABLE_STATUSES
from workers.sync.bill_walk import Progress, pages_by_cursor, walk_on
from workers.sync.content import describe, not_in_future
from workers.sync.poll import PollWork, Walked

log = logs.get_logger(__name__)

FIRST_LOOK_BACK = timedelta(days=90)
"""A bill may have been entered this long before the first invoice date that counts."""


def walk_bill(work: PollWork) -> Walked:
    """One walk since the watermark less the overlap, or a piece of it."""
    position = work.find_position()
    urgency = Urgency.POLL if position else Urgency.BACKFILL
    progress, over = walk_since(work, _since(work, position), urgency)
    if not over:
        return Walked(progress.rows, resume=progress.to_json())
    # A time in the future would hide everything until then: the watermark goes up to our clock at most.
    reached = min(progress.newest, progress.started_at)
    seen = progress.newest > progress.since
    work.complete(format_since(reached) if seen else position, progress.started_at)
    return Walked(progress.rows)


def walk_sweep(work: PollWork) -> Walked:
    """Compare everything of the sweep window: heals what changed without moving ``updatedTime``.

    Documents do not move it either: bills whose invoices are not released yet have theirs looked at.
    """
    since = work.clock() - timedelta(days=work.tenant.sync.sweep_days)
    progress, over = walk_since(work, since, Urgency.BACKFILL)
    if not over:
        return Walked(progress.rows, resume=progress.to_json())
    if work.poll.kind == "bill" and work.tenant.sync.attachments:
        with work.conn() as conn:
            attachments.want_unreleased(conn, work.tenant.id, sorted(EDITABLE_STATUSES))
    work.complete(None, progress.started_at)
    return Walked(progress.rows)


def walk_waiting(work: PollWork) -> Walked:
    """Read the waiting bills again, 100 a call: an approval need not move ``updatedTime``."""
    started_at = work.clock()
    with work.conn() as conn:
        waiting = records.list_waiting(conn, work.tenant.id)
    for start in range(0, len(waiting), PAGE_SIZE):
        asked = set(waiting[start : start + PAGE_SIZE])
        _store_missing(work, asked - _store_listed(work, asked))
    work.complete(None, started_at)
    return Walked(len(waiting))


def walk_since(work: PollWork, since: datetime, urgency: Urgency) -> tuple[Progress, bool]:
    """Store what changed since a time, going on where the last piece ended; and whether that is all."""
    kind: Kind = "vendor" if work.poll.kind == "vendor" else "bill"

    def fetch(value: datetime, cursor: str | None) -> Page[Row]:
        work.hold()
        return work.bill.list_page(kind, since=value, cursor=cursor)

    progress = Progress.from_json(work.resume) if work.resume else Progress.begin(since, work.clock())
    begun_at = progress.at
    for page, reached in walk_on(fetch, progress):
        _store(work, page, urgency)
        progress = reached
        if work.is_over and progress.at != begun_at:  # else the next piece would begin where this one did
            return progress, False
    return progress, True


def heard_row(row: Row, urgency: Urgency, now: datetime) -> Heard:
    """A whole record from a list, as something heard."""
    label, vendor_id = describe(row)
    return Heard(
        row.kind,
        row.id,
        not_in_future(row.updated_at, now),
        jsontext.dumps(row.body).encode(),
        urgency=urgency,
        label=label,
        vendor_id=vendor_id,
    )


def _store(work: PollWork, page: Page[Row], urgency: Urgency) -> None:
    for problem in page.unusable:
        log.error("list item cannot be used", action="poll.unusable_item", why=problem)
    now = work.clock()
    heard: Sequence[Heard] = [heard_row(row, urgency, now) for row in page.results]
    with work.conn() as conn:
        records.make_due(conn, work.tenant.id, heard)


def _store_listed(work: PollWork, ids: Collection[str]) -> set[str]:
    """Store what BILL lists of these bills; which of them those were."""

    def fetch(_: datetime, cursor: str | None) -> Page[Row]:
        work.hold()
        return work.bill.list_page("bill", ids=sorted(ids), cursor=cursor)

    found: set[str] = set()
    with suppress(CursorExpired):
        for page in pages_by_cursor(fetch, work.clock()):
            _store(work, page, Urgency.POLL)
            found |= {row.id for row in page.results}
    return found


def _store_missing(work: PollWork, ids: Collection[str]) -> None:
    """Bills that BILL's list left out (archived or gone: the reference does not say) are read one by one."""
    with work.conn() as conn:
        records.make_due(conn, work.tenant.id, [Heard("bill", each, urgency=Urgency.POLL) for each in ids])


def _since(work: PollWork, position: str | None) -> datetime:
    if position is not None:
        overlap = timedelta(seconds=work.tenant.sync.poll_overlap_s)
        return datetime.fromisoformat(position) - overlap
    return first_since(work.tenant.sync.bills_since)


def first_since(bills_since: date) -> datetime:
    """Where a tenant's first walk begins."""
    return datetime.combine(bills_since, time(), UTC) - FIRST_LOOK_BACK
