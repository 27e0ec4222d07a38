"""Walking Visma's lists: pages in no order, over a list that may change meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from shared.errors import Retryable
from shared.visma.models import Page

T = TypeVar("T")

WALKS = 5


class ListMoved(Retryable):
    """The list's size changed during the walk: something may have slipped between two pages."""

    def __init__(self) -> None:
        super().__init__("Visma's list changed while it was walked", retry_after_s=5, counts=False)


def walk_once(fetch: Callable[[int], Page[T]], page_size: int) -> Iterator[Page[T]]:
    """The pages of one walk. Raises ListMoved when the list's size changed on the way.

    Visma cuts pages silently to a size of its own (Visma reference: pagination), so rows are counted.
    """
    first = fetch(1)
    yield first
    number, seen, last = 1, first.size, first
    while seen < first.total_count and last.size >= min(first.size, page_size):
        number += 1
        last = fetch(number)
        if last.total_count != first.total_count:
            raise ListMoved
        seen += last.size
        yield last


def walk_whole(fetch: Callable[[int], Page[T]], page_size: int, use: Callable[[Page[T]], None]) -> Page[T]:
    """Hand every page of an unmoved list to ``use`` and return the first page of that walk.

    A list that moved is walked again, a few times; ``use`` then sees its records again.
    """
    for _ in range(WALKS):
        try:
            pages = walk_once(fetch, page_size)
            first = next(pages)
            use(first)
            for page in pages:
                use(page)
        except ListMoved:
            continue
        return first
    raise ListMoved


def collect(fetch: Callable[[int], Page[T]], page_size: int) -> list[T]:
    """All records of a list, each perhaps more than once."""
    found: list[T] = []
    walk_whole(fetch, page_size, lambda page: found.extend(page.results))
    return found
