"""Walking BILL's lists by ``updatedTime``: nothing is lost while records change under the walk.

Pages follow BILL's cursors, 100 records a call. A cursor counts positions, and a record that is edited
during the walk moves to the end of the order, so that another may slip between two pages. Whoever sees
records newer than the walk's start therefore walks once more by value: the first page from a time, then
the first page from that page's last time, and so on, which no move can disturb. An expired or repeated
cursor goes on by value too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.bill.answers import CursorExpired
from shared.bill.models import Page, Row
from shared.errors import Retryable

Fetch = Callable[[datetime, str | None], Page[Row]]
"""A page of what changed since a time, or the one behind a cursor of the same list."""

CLOCKS_DIFFER = timedelta(minutes=2)
MOST_EXPIRED = 3
MOST_PAGES_AT_ONE_TIME = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a walk has come: enough to go on from in another task.

    ``at`` is the last time seen in this pass, ``newest`` the newest of all; ``by_value`` is the pass that
    no move can disturb.
    """

    since: datetime
    started_at: datetime
    at: datetime
    newest: datetime
    rows: int = 0
    pages: int = 0
    by_value: bool = False

    @classmethod
    def begin(cls, since: datetime, started_at: datetime) -> Progress:
        """A walk that has not begun."""
        return cls(since, started_at, since, since)

    def after(self, page: Page[Row]) -> Progress:
        """The progress with one more page."""
        at = _last_time(page, self.at)
        return replace(
            self,
            at=at,
            newest=max(at, self.newest),
            rows=self.rows + len(page.results),
            pages=self.pages + 1,
        )

    @property
    def may_have_moved(self) -> bool:
        """Whether records changed during the walk, so that one may have slipped between two pages."""
        return self.pages > 1 and self.newest > self.started_at - CLOCKS_DIFFER

    def to_json(self) -> dict[str, Any]:
        """As a task's argument."""
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        return {**times, "rows": self.rows, "pages": self.pages, "by_value": self.by_value}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Progress:
        """Read back from a task's argument."""
        times = {name: datetime.fromisoformat(value[name]) for name in _TIMES}
        return cls(**times, rows=value["rows"], pages=value["pages"], by_value=value["by_value"])


_TIMES = ("since", "started_at", "at", "newest")


def walk_pages(fetch: Fetch, since: datetime, started_at: datetime) -> Iterator[Page[Row]]:
    """Every page of what changed since a time; a record may be seen more than once.

    Raises what ``fetch`` raises.
    """
    for page, _ in walk_on(fetch, Progress.begin(since, started_at)):
        yield page


def walk_on(fetch: Fetch, progress: Progress) -> Iterator[tuple[Page[Row], Progress]]:
    """The pages that are left of a walk, each with the progress once it is stored."""
    if not progress.by_value:
        try:
            for page in pages_by_cursor(fetch, progress.at):
                progress = progress.after(page)
                yield page, progress
        except CursorExpired:
            for page in _by_value(fetch, progress.at):
                progress = progress.after(page)
                yield page, progress
        if not progress.may_have_moved:
            return
        progress = replace(progress, by_value=True, at=progress.since)
    for page in _by_value(fetch, progress.at):
        progress = progress.after(page)
        yield page, progress


def pages_by_cursor(fetch: Fetch, since: datetime) -> Iterator[Page[Row]]:
    """The pages of a list as its cursors lead. Raises CursorExpired where they lead no further."""
    cursor, seen = None, set[str]()
    while True:
        page = fetch(since, cursor)
        yield page
        cursor = page.next_page
        if cursor is None:
            return
        if cursor in seen:
            raise CursorExpired("BILL's list repeats a page")
        seen.add(cursor)


def _by_value(fetch: Fetch, since: datetime) -> Iterator[Page[Row]]:
    """First pages only; cursors just where more than a page of records share one time."""
    value, expired = since, 0
    while True:
        last = value
        try:
            for number, page in enumerate(pages_by_cursor(fetch, value)):
                yield page
                last = _last_time(page, last)
                if page.next_page is None:
                    return
                if last > value:
                    break
                if number > MOST_PAGES_AT_ONE_TIME:
                    raise Retryable("BILL's list does not end")
        except CursorExpired:
            expired += 1
            if expired > MOST_EXPIRED:
                raise
        value = last


def _last_time(page: Page[Row], before: datetime) -> datetime:
    return max((row.updated_at for row in page.results if row.updated_at), default=before)
