from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from shared.visma.models import Page
from workers.sync.walks import WALKS, ListMoved, collect, walk_once, walk_whole

pytestmark = pytest.mark.unit

SIZE = 2


def listing(*states: Sequence[str]) -> tuple[Callable[[int], Page[str]], list[int]]:
    """A list that has grown or shrunk to the next state with every fetch, and the pages fetched."""
    fetched: list[int] = []

    def fetch(number: int) -> Page[str]:
        rows = states[min(len(fetched), len(states) - 1)]
        fetched.append(number)
        part = tuple(rows[(number - 1) * SIZE : number * SIZE])
        return Page(part, len(rows) if part else 0)

    return fetch, fetched


@pytest.mark.parametrize(
    ("rows", "pages"),
    [("", [1]), ("a", [1]), ("ab", [1]), ("abc", [1, 2]), ("abcd", [1, 2]), ("abcde", [1, 2, 3])],
)
def test_every_page_once_and_none_past_the_end(rows: str, pages: list[int]) -> None:
    fetch, fetched = listing(rows)
    assert [row for page in walk_once(fetch, SIZE) for row in page.results] == list(rows)
    assert fetched == pages


@pytest.mark.parametrize(("rows", "pages"), [("abcde", [1, 2, 3, 4, 5]), ("a", [1]), ("", [1])])
def test_pages_that_visma_cuts_smaller_than_asked_for_are_all_walked(rows: str, pages: list[int]) -> None:
    fetched: list[int] = []

    def fetch(number: int) -> Page[str]:
        fetched.append(number)
        part = tuple(rows[number - 1 : number])
        return Page(part, len(rows) if part else 0)

    assert [row for page in walk_once(fetch, SIZE) for row in page.results] == list(rows)
    assert fetched == pages


def test_what_cannot_be_read_counts_as_seen() -> None:
    pages = {1: Page(("a",), 3, ("odd",)), 2: Page((), 3, ("odd",))}
    assert len(list(walk_once(pages.__getitem__, SIZE))) == 2


def test_a_list_that_promises_more_than_it_has_ends_with_its_last_page() -> None:
    pages = {1: Page(("a", "b"), 9), 2: Page(("c",), 9)}
    assert len(list(walk_once(pages.__getitem__, SIZE))) == 2


@pytest.mark.parametrize("moved", ["abcd", "ab", ""])
def test_a_list_that_moved_is_walked_again(moved: str) -> None:
    fetch, fetched = listing("abc", moved)
    seen: list[str] = []
    first = walk_whole(fetch, SIZE, lambda page: seen.extend(page.results))
    assert set(moved) <= set(seen)
    assert first.total_count == len(moved)
    assert fetched[:3] == [1, 2, 1]


def test_a_list_that_never_stands_still_is_left_for_later() -> None:
    fetch, fetched = listing(*(("a",) * (3 + number) for number in range(20)))
    with pytest.raises(ListMoved) as caught:
        collect(fetch, SIZE)
    assert len(fetched) == 2 * WALKS
    assert not caught.value.counts
