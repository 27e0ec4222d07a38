"""Walking BILL's lists by ``updatedTime``: nothing is lost while records change under the walk.

Pages follow BILL's cursors, 100 records a call. A cursor counts positions, and a record that is edited
during the walk moves to the end of the order, so that another may slip between two pages. Whoever sees
records newer than the walk's start therefore walks once more by value: the first page from a time, then
the first page from that page's last time, and so on, which no move can disturb. An expired or repeated
cursor goes on by value too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from shared.bill.answers import CursorExpired
from shared.bill.models import Page, Row
from shared.errors import Retryable

Fetch = Callable[[datetime, str | None], Page[Row]]
"""A page of what changed since a time, or the one behind a cursor of the same list."""

CLOCKS_DIFFER = timedelta(minutes=2)
MOST_ROUNDS = 3
MOST_PAGES_AT_ONE_TIME = 10_000


def walk_pages(fetch: Fetch, since: datetime, started_at: datetime) -> Iterator[Page[Row]]:
    """Every page of what changed since a time; a record may be seen more than once.

    Raises what ``fetch`` raises.
    """
    count, newest = 0, since
    try:
        for page in _by_cursor(fetch, since):
            yield page
            count += 1
            newest = _last_time(page, newest)
    except CursorExpired:
        yield from _by_value(fetch, newest)
        count += 2
    if count > 1 and newest > started_at - CLOCKS_DIFFER:
        yield from _by_value(fetch, since)


def _by_cursor(fetch: Fetch, since: datetime) -> Iterator[Page[Row]]:
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
    value = since
    while True:
        last = value
        for number, page in enumerate(_by_cursor(fetch, value)):
            yield page
            last = _last_time(page, last)
            if page.next_page is None:
                return
            if last > value:
                break
            if number > MOST_PAGES_AT_ONE_TIME:
                raise Retryable("BILL's list does not end")
        value = last


def _last_time(page: Page[Row], before: datetime) -> datetime:
    return max((row.updated_at for row in page.results if row.updated_at), default=before)
