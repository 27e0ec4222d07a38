"""Reading on when a system asks to wait: a proof over thousands of records must not end at the first 429."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from shared.errors import NotYet, Retryable
from workers.sync.walks import ListMoved

T = TypeVar("T")

TRIES: Final = 6
LONGEST_S: Final = 60.0


class Patience:
    """Repeats reads; ``sleep`` waits so many seconds."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep

    def read(self, fetch: Callable[[], T]) -> T:
        """What ``fetch`` gives, after a few waits if need be. Raises its last error."""
        for tries in range(1, TRIES):
            try:
                return fetch()
            except (NotYet, ListMoved):
                raise
            except Retryable as error:
                told = error.retry_after_s
                self._sleep(min(told if told is not None else 2.0**tries, LONGEST_S))
        return fetch()
