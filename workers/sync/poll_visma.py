"""Walks Visma's suppliers or supplier invoices into the index, and wakes what waited for that."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import logs
from shared.store import records, visma_index
from shared.store.records import Heard, Urgency
from shared.store.visma_index import Entry
from shared.visma.models import Page
from workers.sync.index import supplier_entry, supplier_invoice_entry
from workers.sync.poll import PollWork, Walked
from workers.sync.walks import WALKS, ListMoved

log = logs.get_logger(__name__)

OVERLAP = timedelta(hours=2)
"""Visma's times are local and have no zone: an hour when clocks go back, and one to spare."""

LONG_OVERLAP = timedelta(hours=26)
"""Of each day's first walk: heals what a time in the near future hid, or a clock that was set back."""

FARTHEST_ZONE = timedelta(hours=14)
"""No place on earth is further ahead of UTC: a later time is wrong, and no walk can begin behind it."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far a worker's clock may be ahead of the database's."""

WALK_FIRST = "walk_first"

FREED_BY = {
    "supplier": ("no_supplier", "ambiguous_supplier", "supplier_taken", "currency_mismatch"),
    "supplier_invoice": ("amount_mismatch",),
}
"""Reasons whose cause is judged by the index: a walk may have taken it away, and nobody waits for longer."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a walk has come. ``newest`` is of the first page: nothing after it was seen before it.

    ``seen`` items so far, ``size`` of them on the first page: Visma cuts pages to a size of its own.
    """

    started_at: datetime
    page: int = 1
    total: int = 0
    newest: str | None = None
    rows: int = 0
    walks: int = 1
    seen: int = 0
    size: int = 0

    def to_json(self) -> dict[str, Any]:
        """As a task's argument."""
        return {**asdict(self), "started_at": self.started_at.isoformat()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Progress:
        """Read back from a task's argument."""
        return cls(**{**value, "started_at": datetime.fromisoformat(value["started_at"])})


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as the index takes it."""

    entries: list[Entry]
    times: tuple[str, ...]
    total: int
    size: int


def walk_visma(work: PollWork) -> Walked:
    """One walk since the watermark, or a piece of it; what waited for it is due once it is whole."""
    fetch = _fetch_suppliers if work.poll.kind == "supplier" else _fetch_supplier_invoices
    progress = Progress.from_json(work.resume) if work.resume else Progress(work.clock())
    since = _find_since(work, progress.started_at)
    while True:
        work.hold()
        shown = fetch(work, since, progress.page)
        if progress.page > 1 and shown.total != progress.total:
            progress = _begin_anew(progress)
            continue
        _store(work, shown)
        progress = _after(progress, shown, at_most=_local(progress.started_at + FARTHEST_ZONE))
        if progress.seen >= progress.total or shown.size < progress.size:
            return _complete(work, progress)
        if work.is_over:
            return Walked(progress.rows, resume=progress.to_json())


def _complete(work: PollWork, progress: Progress) -> Walked:
    with work.conn() as conn:  # before the watermark moves: who ends here leaves the walk to be done again
        again = records.find_unlike(conn, work.tenant.id, progress.started_at - CLOCKS_DIFFER)
        if work.tenant.sync.release_invoices:
            again += records.find_releasable(conn, work.tenant.id)
        heard = [Heard("bill", bill_id, urgency=Urgency.POLL, again=True) for bill_id in dict.fromkeys(again)]
        due = records.make_due(conn, work.tenant.id, heard)
    work.complete(progress.newest, progress.started_at)
    with work.conn() as conn:
        due += records.wake(conn, work.tenant.id, WALK_FIRST)
        due += records.rejudge_held(conn, work.tenant.id, older_s=0, reasons=FREED_BY[work.poll.kind])
    return Walked(progress.rows, tuple(due))


def _fetch_suppliers(work: PollWork, since: str | None, page: int) -> Shown:
    found = work.visma.list_suppliers(modified_since=since, page=page)
    return _show(found, [supplier_entry(work.tenant.id, one) for one in found.results])


def _fetch_supplier_invoices(work: PollWork, since: str | None, page: int) -> Shown:
    # The first walk is by document date: what people entered for the time we carry must be known.
    from_date = work.tenant.sync.bills_since if since is None else None
    found = work.visma.list_supplier_invoices(modified_since=since, document_date_from=from_date, page=page)
    return _show(found, [supplier_invoice_entry(work.tenant.id, one) for one in found.results])


def _show(found: Page[Any], entries: list[Entry]) -> Shown:
    for problem in found.unusable:
        log.error("list item cannot be used", action="poll.unusable_item", why=problem)
    times = tuple(entry.last_modified for entry in entries if entry.last_modified)
    return Shown(entries, times, found.total_count, found.size)


def _begin_anew(progress: Progress) -> Progress:
    """The list's size changed, and it has no order: something may have slipped between two pages."""
    if progress.walks >= WALKS:
        raise ListMoved
    return replace(progress, page=1, walks=progress.walks + 1, seen=0)


def _after(progress: Progress, shown: Shown, *, at_most: str) -> Progress:
    is_first = progress.page == 1
    newest = max((time for time in shown.times if time <= at_most), default=None)
    return replace(
        progress,
        page=progress.page + 1,
        total=shown.total if is_first else progress.total,
        newest=newest if is_first else progress.newest,
        rows=progress.rows + len(shown.entries),
        seen=progress.seen + shown.size,
        size=shown.size if is_first else progress.size,
    )


def _store(work: PollWork, shown: Shown) -> None:
    with work.conn() as conn:
        visma_index.put_entries(conn, shown.entries)


def _find_since(work: PollWork, started_at: datetime) -> str | None:
    """Where the walk begins, in Visma's own time; None for the whole list."""
    position = work.find_position()
    if position is None:
        return None
    last = work.find_last_began_at()
    is_first_today = last is None or last.astimezone(UTC).date() < started_at.astimezone(UTC).date()
    return _local(datetime.fromisoformat(position) - (LONG_OVERLAP if is_first_today else OVERLAP))


def _local(moment: datetime) -> str:
    """A time as Visma writes them: without a zone."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
