"""How hard an upstream system may be worked by the whole fleet, kept in Redis.

``Places`` bounds what runs at once, ``Budget`` what is called in an hour. Both answer a caller that
must wait with :class:`NoPlace`: its row is given back and no attempt is counted.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from shared.clock import Clock, utc_now
from shared.errors import NoPlace, Retryable

_LOG = logging.getLogger(__name__)
_HOUR_S = 3600
_LONGEST_NAP_S = 1.0
"""Below the socket timeout of any Redis client we are given."""

LEASE_S = 40.0
"""A place is held for at most this long; a call ends within 25 s (DEADLINE_S)."""


def load_script(redis: Redis, name: str) -> Any:
    """The Lua script ``shared/lua/<name>.lua``, callable."""
    source = (Path(__file__).parent / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return redis.register_script(source)


@contextmanager
def redis_needed(what: str) -> Iterator[None]:
    """Turn a Redis that does not answer into ``Retryable``, uncounted: the record is not to blame."""
    try:
        yield
    except RedisError as error:
        raise Retryable(f"{what}: Redis does not answer ({type(error).__name__})", counts=False) from error


class Places:
    """At most ``limit`` holders of a key at once. A place is a lease: it ends even if its holder died.

    After Redis lost its data, processes that knew the old data let one lease time pass before anyone
    gets a place again, since calls that nobody remembers may still run.
    """

    def __init__(self, redis: Redis, *, prefix: str = "places") -> None:
        self._redis = redis
        self._prefix = prefix
        self._take = load_script(redis, "place_take")
        self._give_back = load_script(redis, "place_give_back")
        self._life = ""

    @contextmanager
    def hold(self, key: str, limit: int, *, lease_s: float = LEASE_S, wait_s: float = 5.0) -> Iterator[None]:
        """Hold a place while the block runs, waiting up to ``wait_s`` for it; else :class:`NoPlace`."""
        token = uuid.uuid4().hex
        with redis_needed(f"places at {key}"):
            self._wait_for_place(key, token, limit, lease_s, time.monotonic() + wait_s)
        try:
            yield
        finally:
            self._release(key, token, limit)

    def _wait_for_place(self, key: str, token: str, limit: int, lease_s: float, until: float) -> None:
        while True:
            free_in_s = self._try_take(key, token, limit, lease_s)
            if free_in_s is None:
                return
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise NoPlace(f"all {limit} places at {key} are taken", retry_after_s=min(free_in_s, 1.0))
            self._redis.blpop([self._wake_key(key)], timeout=min(left_s, free_in_s, _LONGEST_NAP_S))

    def _try_take(self, key: str, token: str, limit: int, lease_s: float) -> float | None:
        """None with the place taken, else the seconds after which one is free at the latest."""
        keys = [self._lease_key(key), f"{self._prefix}:life", f"{self._prefix}:quarantine"]
        taken, wait_ms, life = self._take(
            keys=keys, args=[token, limit, int(lease_s * 1000), self._life], client=self._redis
        )
        self._life = _text(life)
        return None if taken else int(wait_ms) / 1000

    def _release(self, key: str, token: str, limit: int) -> None:
        try:
            self._give_back(keys=[self._lease_key(key), self._wake_key(key)], args=[token, limit])
        except RedisError as error:
            # The call is done, its answer must not be lost over this: the lease ends by itself.
            _LOG.warning("place at %s not given back: %s", key, type(error).__name__)

    def _lease_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:leases"

    def _wake_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:wake"


class Budget:
    """So many calls per clock hour and key, and blocks that the other side told us."""

    def __init__(self, redis: Redis, *, prefix: str = "budget", clock: Clock = utc_now) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock
        self._spend = load_script(redis, "budget_spend")

    def spend(self, key: str, limit: int, cost: int = 1) -> int:
        """Spend ``cost`` and return what is left of this hour.

        Raises :class:`NoPlace` until the next clock hour when it does not suffice, or until a told
        block ends.
        """
        with redis_needed(f"budget of {key}"):
            code, value = self._spend(
                keys=[self._counter_key(key), self._block_key(key)], args=[limit, cost, 2 * _HOUR_S]
            )
        if code == 1:
            return int(value)
        if code == 0:
            raise NoPlace(f"{key} asked us to wait", retry_after_s=int(value) / 1000)
        raise NoPlace(f"the hour's {limit} calls at {key} are spent", retry_after_s=self.next_hour_in_s())

    def note_rate_limit(self, key: str, *, remaining: int | None, reset_s: float | None) -> None:
        """Keep what the other side told: with nothing remaining, ``key`` is blocked for ``reset_s``."""
        if remaining is not None and remaining <= 0 and reset_s is not None and reset_s > 0:
            self.block(key, reset_s)

    def block(self, key: str, seconds: float) -> None:
        """Let nobody spend from ``key`` for so long."""
        with redis_needed(f"budget of {key}"):
            self._redis.set(self._block_key(key), "1", px=max(1, int(seconds * 1000)))

    def next_hour_in_s(self) -> float:
        """Seconds to the next clock hour."""
        return next_hour_in_s(self._clock)

    def _counter_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:{self._clock():%Y%m%d%H}"

    def _block_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:block"


def next_hour_in_s(clock: Clock = utc_now) -> float:
    """Seconds to the next clock hour, when hourly limits start anew (BILL reference: limits)."""
    now = clock()
    begins = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return (begins - now).total_seconds()


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
