from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.bill.answers import CursorExpired
from shared.bill.models import Page, Row
from workers.sync.bill_walk import Progress, walk_on, walk_pages

pytestmark = pytest.mark.unit

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = START - timedelta(hours=1)
SIZE = 3


class List:
    """BILL's list: ordered by time, cursors that count positions, edits that move a record to the end."""

    def __init__(self, ages: list[int], edits: dict[int, int], expiring: set[int]) -> None:
        self.times = {f"r{at}": SINCE + timedelta(minutes=age) for at, age in enumerate(ages)}
        self.untouched = set(self.times)
        self.edits, self.expiring = edits, expiring
        self.fetches = 0

    def fetch(self, since: datetime, cursor: str | None) -> Page[Row]:
        self.fetches += 1
        self._edit()
        if cursor is not None and self.fetches in self.expiring:
            raise CursorExpired("the cursor is gone")
        begin = int(cursor or 0)
        rows = sorted((time, name) for name, time in self.times.items() if time >= since)
        part = rows[begin : begin + SIZE]
        more = str(begin + SIZE) if len(rows) > begin + SIZE else None
        return Page(tuple(Row("bill", name, time, {}) for time, name in part), more)

    def _edit(self) -> None:
        at = self.edits.get(self.fetches)
        if at is not None and self.times:
            name = f"r{at % len(self.times)}"
            self.untouched.discard(name)
            self.times[name] = START + timedelta(seconds=self.fetches)


@settings(max_examples=300)
@example(ages=[0] * 7, edits={1: 0}, expiring={5})
@given(
    ages=st.lists(st.integers(0, 59), max_size=14),
    edits=st.dictionaries(st.integers(1, 12), st.integers(0, 13), max_size=6),
    expiring=st.sets(st.integers(1, 12), max_size=1),
)
def test_no_record_slips_through_while_others_move(
    ages: list[int], edits: dict[int, int], expiring: set[int]
) -> None:
    """Whoever is edited during the walk is newer than its start, and so seen by the next one."""
    listed = List(ages, edits, expiring)
    seen = {row.id for page in walk_pages(listed.fetch, SINCE, START) for row in page.results}
    assert listed.untouched <= seen


def test_a_list_at_rest_is_walked_once() -> None:
    listed = List(list(range(10)), {}, set())
    seen = [row.id for page in walk_pages(listed.fetch, SINCE, START) for row in page.results]
    assert seen == [f"r{at}" for at in range(10)]
    assert listed.fetches == 4


def test_more_records_of_one_time_than_a_page_holds() -> None:
    listed = List([5] * 10 + [6], {}, {2})
    seen = {row.id for page in walk_pages(listed.fetch, SINCE, START) for row in page.results}
    assert len(seen) == 11


def walk_in_pieces(listed: List) -> set[str]:
    """As the polls do it: each piece ends as soon as it has come to a later time."""
    progress, seen = Progress.begin(SINCE, START), set[str]()
    for _ in range(200):
        begun_at = progress.at
        for page, reached in walk_on(listed.fetch, progress):
            seen |= {row.id for row in page.results}
            progress = Progress.from_json(reached.to_json())
            if progress.at != begun_at:
                break
        else:
            return seen
    raise AssertionError("the walk does not end")


@settings(max_examples=200)
@given(
    ages=st.lists(st.integers(0, 59), max_size=14),
    edits=st.dictionaries(st.integers(1, 12), st.integers(0, 13), max_size=6),
)
def test_a_walk_in_pieces_loses_nothing_either(ages: list[int], edits: dict[int, int]) -> None:
    listed = List(ages, edits, set())
    assert listed.untouched <= walk_in_pieces(listed)
