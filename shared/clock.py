"""The time of day, aware and in UTC; handed in where code must be testable at a given moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Anything that tells the time when called; :func:`utc_now` is one."""

    def __call__(self) -> datetime: ...


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self.now = now.astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move on by ``seconds`` and return the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now
