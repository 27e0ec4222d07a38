from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.budget import Usage
from shared.store.progress import Pace
from workers.sync.pace import Backlog, estimate

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
PLENTY = {"bill": Usage(20_000, 0, 20_000), "visma": Usage(15_000, 0, 15_000)}


def test_nothing_left_needs_no_estimate() -> None:
    assert estimate(NOW, 0, 12.0, PLENTY) == Backlog(0, 12.0, None)


def test_the_pace_of_late_tells_when() -> None:
    assert estimate(NOW, 600, 60.0, PLENTY).done_at == NOW + timedelta(minutes=10)


def test_without_a_pace_nobody_can_tell() -> None:
    assert estimate(NOW, 600, None, PLENTY).done_at is None


@pytest.mark.parametrize(
    ("left", "usage", "wait"),
    [
        (100, Usage(1000, 800, 200), timedelta(0)),
        (101, Usage(1000, 1000, 0, 600.0), timedelta(minutes=10)),
        (101, Usage(1000, 802, 198), timedelta(hours=1)),
        (1300, Usage(1000, 800, 200), timedelta(hours=3)),
    ],
)
def test_the_calls_of_the_hours_hold_it_back(left: int, usage: Usage, wait: timedelta) -> None:
    """At Visma a changed record costs two calls."""
    pace = 1_000_000.0
    done_at = estimate(NOW, left, pace, {"bill": None, "visma": usage}).done_at
    assert done_at is not None
    assert done_at - NOW == pytest.approx(wait, abs=timedelta(seconds=1))


def test_blocked_calls_tell_without_a_pace() -> None:
    blocked = {"bill": Usage(20_000, 20_000, 0, 900.0), "visma": None}
    assert estimate(NOW, 5, None, blocked).done_at == NOW + timedelta(minutes=15)


def test_a_pace_is_taken_over_a_minute_at_least() -> None:
    assert Pace(9, 30, 2.0).per_minute == 30
    assert Pace(9, 300, 600.0).per_minute == 30
    assert Pace(9, 0, None).per_minute is None
