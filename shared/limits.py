"""How much may run at once at an upstream system, over the whole fleet, kept in Redis.

What is called in an hour is bounded in ``shared.budget``. Both answer a caller that must wait with
:class:`NoPlace`: its row is given back and no attempt is counted.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from shared.errors import NoPlace, Retryable
from shared.redis_words import describe_redis

_LOG = logging.getLogger(__name__)
_LONGEST_NAP_S = 1.0
"""Below the socket timeout of any Redis client we are given."""

_GIVE_BACK_AGAIN_S = 1.0

LEASE_S = 40.0
"""A place is held for at most this long; a call ends within 25 s (DEADLINE_S)."""


def load_script(redis: Redis, name: str) -> Any:
    """The Lua script ``shared/lua/<name>.lua``, callable."""
    return redis.register_script(_read_script(name))


@cache
def _read_script(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text(encoding="utf-8")


@contextmanager
def redis_needed(what: str) -> Iterator[None]:
    """Turn what Redis denies us into ``Retryable``, uncounted: the record is not to blame."""
    try:
        yield
    except RedisError as error:
        raise Retryable(f"{what}: Redis {describe_redis(error)}", counts=False) from error


@contextmanager
def redis_told(what: str) -> Iterator[None]:
    """Tell Redis something about a call that is over; its outcome must not be lost when that fails."""
    try:
        yield
    except RedisError as error:
        _LOG.warning("%s not noted: Redis %s", what, describe_redis(error))


class Places:
    """At most ``limit`` holders of a key at once. A place is a lease: it ends even if its holder died.

    After Redis lost its data one lease time passes before anyone gets a place again, since calls that
    nobody remembers may still run. That it did is told by its life, a mark made with the data: ``recall``
    gives the one that the fleet saw last, ``remember`` keeps another; so a process that has just begun
    knows too. An empty text is no life yet.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str = "places",
        recall: Callable[[], str] = str,
        remember: Callable[[str], None] = lambda life: None,
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._take = load_script(redis, "place_take")
        self._give_back = load_script(redis, "place_give_back")
        self._recall, self._remember = recall, remember
        self._life_key = f"{prefix}:life"
        self._life = ""

    def note_life(self) -> None:
        """Have the time since Redis lost its data count from now, not from when a place is next asked for."""
        with redis_told("the life of Redis"):
            seconds, micros = self._redis.time()
            self._redis.set(self._life_key, seconds * 1_000_000 + micros, nx=True)

    @contextmanager
    def hold(self, key: str, limit: int, *, lease_s: float = LEASE_S, wait_s: float = 5.0) -> Iterator[None]:
        """Hold a place while the block runs, waiting up to ``wait_s`` for it; else :class:`NoPlace`."""
        token = uuid.uuid4().hex
        with redis_needed(f"places at {key}"):
            self._wait_for_place(key, token, limit, lease_s, time.monotonic() + wait_s)
        try:
            yield
        finally:
            self._release(key, token, limit, time.monotonic() + lease_s)

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
        """None with the place taken, else the seconds after which one is free at the latest.

        Raises NoPlace at once while nobody gets any: waiting would hold up the thread for nothing.
        """
        self._life = known = self._life or self._recall()
        keys = [self._lease_key(key), self._life_key, f"{self._prefix}:quarantine"]
        taken, wait_ms, life = self._take(
            keys=keys, args=[token, limit, int(lease_s * 1000), self._life], client=self._redis
        )
        self._life = _text(life)
        if self._life != known:
            self._remember(self._life)
        if taken < 0:
            raise NoPlace(
                "Redis lost its data: calls that nobody remembers may still run", retry_after_s=wait_ms / 1000
            )
        return None if taken else int(wait_ms) / 1000

    def _release(self, key: str, token: str, limit: int, ends: float, *, told: bool = False) -> None:
        """Give a place back; if Redis does not take it now, again and again beside, until the lease ends.

        The call is done, its answer must not be lost over this, nor must others wait out the lease.
        """
        try:
            self._give_back(keys=[self._lease_key(key), self._wake_key(key)], args=[token, limit])
        except RedisError as error:
            if not told:
                _LOG.warning("place at %s not given back yet: Redis %s", key, describe_redis(error))
            if time.monotonic() + _GIVE_BACK_AGAIN_S < ends:
                args = (key, token, limit, ends)
                again = threading.Timer(_GIVE_BACK_AGAIN_S, self._release, args, {"told": True})
                again.daemon = True
                again.start()

    def _lease_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:leases"

    def _wake_key(self, key: str) -> str:
        return f"{self._prefix}:{key}:wake"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
