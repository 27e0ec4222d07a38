from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import jsontext
from workers.sync.intention import Intention

pytestmark = pytest.mark.unit

SENT = datetime(2026, 3, 1, 8, tzinfo=UTC)
INTENTION = Intention("Invoice", SENT, {"header": {"date": "2026-03-01"}, "total": Decimal("10.10")})


@pytest.mark.parametrize(
    ("cap_s", "look_ups"),
    [
        (240, [2, 10, 30, 60, 120, 240]),
        (600, [2, 10, 30, 60, 120, 600]),
        (120, [2, 10, 30, 60, 120]),
        (45, [2, 10, 30, 45]),
        (1, [1]),
    ],
)
def test_look_ups_come_at_growing_gaps_and_at_the_cap(cap_s: int, look_ups: list[int]) -> None:
    at, seen = 0.0, []
    while not INTENTION.may_send_again(SENT + timedelta(seconds=at), cap_s=cap_s):
        at += INTENTION.next_look_up_s(SENT + timedelta(seconds=at), cap_s=cap_s)
        seen.append(at)
    assert seen == look_ups


@given(elapsed_s=st.floats(0, 1000), cap_s=st.integers(1, 900))
def test_the_next_look_up_is_never_past_the_cap(elapsed_s: float, cap_s: int) -> None:
    now = SENT + timedelta(seconds=elapsed_s)
    delay_s = INTENTION.next_look_up_s(now, cap_s=cap_s)
    assert delay_s >= 0
    if not INTENTION.may_send_again(now, cap_s=cap_s):
        assert delay_s > 0
        assert (now - SENT).total_seconds() + delay_s <= cap_s + 1e-6


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"is_update": True, "etag": '"e1"', "before": {"header": {"description": "older"}}},
        {"is_removal": True},
    ],
)
def test_it_comes_back_from_the_database_as_it_was(kind: dict[str, Any]) -> None:
    intention = Intention("Invoice", SENT, INTENTION.body, **kind)
    assert Intention.from_json(jsontext.loads(jsontext.dumps(intention.to_json()))) == intention
