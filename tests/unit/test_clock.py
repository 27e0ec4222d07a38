from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.clock import Clock, FakeClock, utc_now

pytestmark = pytest.mark.unit


def test_now_is_aware_and_utc() -> None:
    clock: Clock = utc_now
    assert clock().tzinfo is UTC


def test_a_fake_clock_stands_until_it_is_moved() -> None:
    clock = FakeClock(datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock() == clock() == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert clock.advance(90) == datetime(2026, 5, 1, 12, 1, 30, tzinfo=UTC)
    assert clock().tzinfo is UTC


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 5, 1))  # noqa: DTZ001
