"""When to try again, and whether: pure."""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from shared.errors import CredentialsRefused, NeedsPerson, Permanent, Retryable, UsageError

Kind = Literal["final", "exhausted", "told", "backoff"]

_FINAL = (Permanent, NeedsPerson, CredentialsRefused, UsageError)
_LARGEST_POWER = 62


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows a failure; ``delay_s`` only where there is a next try (``told``, ``backoff``)."""

    kind: Kind
    delay_s: float = 0.0

    @property
    def again(self) -> bool:
        """Whether there is a next try."""
        return self.kind in {"told", "backoff"}


def delay_s(
    attempt: int,
    *,
    base_s: float = 1.0,
    cap_s: float = 60.0,
    random: Callable[[], float] = _random.random,
) -> float:
    """Seconds before the try that follows try number ``attempt`` (1 is the first).

    Capped exponential with full jitter: anything between nothing and ``base_s`` doubled per try, so
    that those who failed together do not come back together.
    """
    power = min(max(attempt, 1) - 1, _LARGEST_POWER)
    return random() * min(cap_s, base_s * 2.0**power)


def decide(
    error: BaseException,
    *,
    attempts: int,
    max_attempts: int,
    base_s: float = 1.0,
    cap_s: float = 60.0,
    random: Callable[[], float] = _random.random,
) -> Decision:
    """What follows ``error`` after ``attempts`` counted tries, this one among them.

    In this order: an error that no repeat heals is final; a counted try beyond the last is the last;
    a delay the other side told wins; otherwise our own backoff. An error outside the tree (a bug, a
    lost database) is worth a repeat.
    """
    if isinstance(error, _FINAL):
        return Decision("final")
    counts = error.counts if isinstance(error, Retryable) else True
    if counts and attempts >= max_attempts:
        return Decision("exhausted")
    told = error.retry_after_s if isinstance(error, Retryable) else None
    if told is not None:
        return Decision("told", max(0.0, told))
    return Decision("backoff", delay_s(attempts, base_s=base_s, cap_s=cap_s, random=random))
