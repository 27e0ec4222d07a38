"""The sandbox's own time: the machine's clock and an offset that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Aware UTC in whole milliseconds, as both systems show it."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def now(self) -> datetime:
        """The current time of the simulated world."""
        moment = datetime.now(UTC) + timedelta(seconds=self.offset_s)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once: sessions and tokens age, rate windows end."""
        self.offset_s += seconds


class Stamps:
    """Change times of one tenant: strictly rising, or all equal while ``frozen``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = datetime.min.replace(tzinfo=UTC)
        self.frozen = False

    def next(self) -> datetime:
        """The time of a change that happens now."""
        if self.frozen and self._last.year > 1:
            return self._last
        self._last = max(self._clock.now(), self._last + timedelta(milliseconds=1))
        return self._last


def iso_utc(moment: datetime) -> str:
    """``2026-01-31T08:00:00.000+00:00``, BILL's form (BILL reference: list semantics)."""
    return moment.isoformat(timespec="milliseconds")
