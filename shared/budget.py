"""How many calls an hour allows, for the whole fleet, kept in Redis.

What runs at once is bounded in ``shared.limits``. A caller that must wait is told so by
:class:`NoPlace`: its row is given back and no attempt is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from redis import Redis

from shared.clock import Clock, utc_now
from shared.errors import NoPlace
from shared.limits import load_script, redis_needed, redis_told

_HOUR_S = 3600
_TOLD_MARGIN_S = 1.0
"""Told whole seconds may have been rounded down: better a second late than a call too many."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls of this clock hour at one key: ``used`` by us, ``left`` for us, and for how long there are none.

    ``left`` is less than ``limit - used`` where the other side told of less.
    """

    limit: int
    used: int
    left: int
    blocked_s: float = 0.0


class Budget:
    """So many calls per clock hour and key, fewer where the other side told us so."""

    def __init__(self, redis: Redis, *, prefix: str = "budget", clock: Clock = utc_now) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock
        self._spend = load_script(redis, "budget_spend")
        self._tell = load_script(redis, "budget_tell")

    def spend(self, key: str, limit: int, cost: int = 1) -> int:
        """Spend ``cost`` and return what is left.

        Raises :class:`NoPlace` when it does not suffice: until the next clock hour, or as long as the
        other side told us.
        """
        keys = [self._counter_key(key), self._block_key(key), self._told_key(key)]
        with redis_needed(f"budget of {key}"):
            code, value = self._spend(keys=keys, args=[limit, cost, 2 * _HOUR_S])
        if code == 1:
            return int(value)
        if code == 0:
            raise NoPlace(f"{key} asked us to wait", retry_after_s=int(value) / 1000)
        raise NoPlace(f"the hour's {limit} calls at {key} are spent", retry_after_s=self.next_hour_in_s())

    def read(self, key: str, limit: int) -> Usage:
        """How the hour stands; spends nothing."""
        counter, block, told_key = self._counter_key(key), self._block_key(key), self._told_key(key)
        with redis_needed(f"budget of {key}"):
            spent, told = cast("list[bytes | None]", self._redis.mget(counter, told_key))
            block_ms, told_ms = (self._redis.pttl(one) for one in (block, told_key))
        used = int(spent or 0)
        left = max(0, limit - used if told is None else min(limit - used, int(told)))
        if block_ms > 0:
            return Usage(limit, used, 0, block_ms / 1000)
        if left > 0:
            return Usage(limit, used, left)
        over = used >= limit
        return Usage(limit, used, 0, self.next_hour_in_s() if over else max(told_ms, 0) / 1000)

    def note_remaining(self, key: str, *, remaining: int | None, reset_s: float | None) -> None:
        """Keep what the other side told: so many calls remain until its own window ends."""
        if remaining is None or reset_s is None or reset_s <= 0:
            return
        reset_ms = int((reset_s + _TOLD_MARGIN_S) * 1000)
        with redis_told(f"budget of {key}"):
            self._tell(keys=[self._told_key(key)], args=[max(0, remaining), reset_ms])

    def block(self, key: str, seconds: float) -> None:
        """Let nobody spend from ``key`` for so long."""
        with redis_told(f"budget of {key}"):
            self._redis.set(self._block_key(key), "1", px=max(1, int(seconds * 1000)))

    def next_hour_in_s(self) -> float:
        """Seconds to the next clock hour."""
        return next_hour_in_s(self._clock)

    def _counter_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:{self._clock():%Y%m%d%H}"

    def _block_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:block"

    def _told_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:told"


def next_hour_in_s(clock: Clock = utc_now) -> float:
    """Seconds to the next clock hour, when hourly limits start anew (BILL reference: limits)."""
    now = clock()
    begins = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return (begins - now).total_seconds()
