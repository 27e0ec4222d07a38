from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backoff import Decision, decide, delay_s
from shared.errors import (
    ClaimLost,
    CredentialsRefused,
    NeedsPerson,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    Permanent,
    Retryable,
    UsageError,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "attempts", "decision"),
    [
        (Permanent("x"), 1, Decision("final")),
        (NotFound("x"), 99, Decision("final")),
        (NeedsPerson("no_supplier", "x"), 1, Decision("final")),
        (CredentialsRefused("bill", "x"), 1, Decision("final")),
        (UsageError("x"), 1, Decision("final")),
        (Retryable("x"), 5, Decision("exhausted")),
        (Retryable("x", retry_after_s=9), 5, Decision("exhausted")),
        (ValueError("a bug"), 5, Decision("exhausted")),
        (Retryable("x", retry_after_s=9), 4, Decision("told", 9.0)),
        (Retryable("x", retry_after_s=-3), 1, Decision("told", 0.0)),
        (NoPlace("x", retry_after_s=30), 99, Decision("told", 30.0)),
        (ClaimLost(), 99, Decision("backoff", 30.0)),
        (Retryable("x"), 1, Decision("backoff", 0.5)),
        (Retryable("x"), 4, Decision("backoff", 4.0)),
        (OutcomeUnknown("x"), 2, Decision("backoff", 1.0)),
        (ValueError("a bug"), 3, Decision("backoff", 2.0)),
    ],
)
def test_decide(error: BaseException, attempts: int, decision: Decision) -> None:
    decided = decide(error, attempts=attempts, max_attempts=5, random=lambda: 0.5)
    assert decided == decision
    assert decided.again == (decision.kind in {"told", "backoff"})


@given(
    attempt=st.integers(-5, 10**9),
    chance=st.floats(0, 1, exclude_max=True),
    cap_s=st.floats(0.1, 1e6),
)
def test_delay_stays_between_nothing_and_the_cap(attempt: int, chance: float, cap_s: float) -> None:
    assert 0 <= delay_s(attempt, cap_s=cap_s, random=lambda: chance) <= cap_s


def test_delay_doubles_up_to_the_cap() -> None:
    assert [delay_s(n, base_s=2, cap_s=20, random=lambda: 1.0) for n in range(1, 7)] == [2, 4, 8, 16, 20, 20]
