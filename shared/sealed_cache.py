"""Sessions and tokens in Redis: sealed, one per worker and tenant, made by one slot at a time."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from redis import Redis
from redis.exceptions import RedisError
from redis.lock import Lock

from shared import jsontext
from shared.errors import Retryable
from shared.http_guard import Deadline
from shared.limits import load_script, redis_needed
from shared.vault import SealBroken, UnknownKeyId, Vault

_LOG = logging.getLogger(__name__)
_LOCK_S = 40.0


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh secret and how long it may be used, in seconds."""

    value: str = field(repr=False)
    lives_s: float


def stamp_of(*parts: str) -> str:
    """A digest of what a secret was made from: with other credentials it is another secret."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class SealedCache:
    """Secrets of one ``kind`` under this worker's name. One that does not open counts as not there.

    ``redis`` must answer in bytes (no ``decode_responses``).
    """

    def __init__(self, redis: Redis, vault: Vault, worker_name: str, *, kind: str) -> None:
        self._redis = redis
        self._vault = vault
        self._worker_name = worker_name
        self._kind = kind
        self._delete_if_equal = load_script(redis, "delete_if_equal")
        self._touched: dict[str, float] = {}

    def get(self, tenant: str, stamp: str, make: Callable[[], Made], deadline: Deadline) -> str:
        """The stored secret, or the one that ``make`` makes while every other slot waits for it."""
        found = self.find(tenant, stamp)
        if found is not None:
            return found
        with self._one_at_a_time(tenant, deadline):
            found = self.find(tenant, stamp)
            if found is not None:
                return found
            made = make()
            self._store(tenant, stamp, made)
            return made.value

    def put(self, tenant: str, stamp: str, made: Made) -> None:
        """Store a secret that was made beside :meth:`get`, in place of the one before."""
        with redis_needed(self._kind):
            self._store(tenant, stamp, made)

    def find(self, tenant: str, stamp: str, *, worker_name: str | None = None) -> str | None:
        """The secret that this worker, or another, stored for the same ``stamp``."""
        with redis_needed(self._kind):
            sealed = self._redis.get(self._key(tenant, worker_name))
        return self._open(tenant, stamp, cast("bytes | None", sealed))

    def find_sibling(self, tenant: str, stamp: str) -> str | None:
        """A live secret of the same tenant that another worker stored."""
        with redis_needed(self._kind):
            names = cast("set[bytes]", self._redis.smembers(self._index_key(tenant)))
        for name in sorted(_as_text(name) for name in names):
            found = self.find(tenant, stamp, worker_name=name)
            if found is not None and name != self._worker_name:
                return found
        return None

    def keep_alive(self, tenant: str, lives_s: float, *, every_s: float = 60.0) -> None:
        """Let the stored secret live for ``lives_s`` from now; asks Redis at most ``every_s``."""
        key, now = self._key(tenant), time.monotonic()
        if now - self._touched.get(key, -every_s) < every_s:
            return
        with redis_needed(self._kind):
            self._redis.pexpire(key, int(lives_s * 1000))
        self._touched[key] = now

    def drop(self, tenant: str, stamp: str, value: str) -> None:
        """Forget ``value`` wherever a worker keeps it, and nothing that was stored since."""
        with redis_needed(self._kind):
            names = cast("set[bytes]", self._redis.smembers(self._index_key(tenant)))
            for key in {self._key(tenant), *(self._key(tenant, _as_text(name)) for name in names)}:
                sealed = cast("bytes | None", self._redis.get(key))
                if sealed is not None and self._open(tenant, stamp, sealed) == value:
                    self._delete_if_equal(keys=[key], args=[sealed])

    def _store(self, tenant: str, stamp: str, made: Made) -> None:
        plain = jsontext.dumps({"stamp": stamp, "value": made.value}).encode()
        sealed = self._vault.seal(plain, tenant=tenant, kind=self._kind)
        key = self._key(tenant)
        with redis_needed(self._kind), self._redis.pipeline() as pipe:
            pipe.set(key, sealed.content, px=max(1, int(made.lives_s * 1000)))
            pipe.sadd(self._index_key(tenant), self._worker_name)
            pipe.expire(self._index_key(tenant), 7 * 86400)
            pipe.execute()
        self._touched[key] = time.monotonic()

    def _open(self, tenant: str, stamp: str, sealed: bytes | None) -> str | None:
        if sealed is None:
            return None
        try:
            plain = jsontext.loads(self._vault.unseal(sealed, tenant=tenant, kind=self._kind))
        except (SealBroken, UnknownKeyId, ValueError) as error:
            _LOG.info("%s of %s does not open (%s): made anew", self._kind, tenant, type(error).__name__)
            return None
        return str(plain["value"]) if plain["stamp"] == stamp else None

    @contextmanager
    def _one_at_a_time(self, tenant: str, deadline: Deadline) -> Iterator[None]:
        lock = Lock(self._redis, f"{self._key(tenant)}:lock", timeout=_LOCK_S, sleep=0.05)
        with redis_needed(self._kind):
            taken = lock.acquire(blocking_timeout=deadline.remaining_s())
        if not taken:
            raise Retryable(f"{self._kind} of {tenant}: another slot is still at it", counts=False)
        try:
            yield
        finally:
            self._release(lock, tenant)

    def _release(self, lock: Lock, tenant: str) -> None:
        try:
            lock.release()
        except RedisError as error:  # it ran out, say; the lock only saves log-ins, nothing hangs on it
            _LOG.info("lock on %s of %s not released: %s", self._kind, tenant, type(error).__name__)

    def _key(self, tenant: str, worker_name: str | None = None) -> str:
        return f"{self._kind}:{tenant}:{worker_name or self._worker_name}"

    def _index_key(self, tenant: str) -> str:
        return f"{self._kind}:{tenant}"


def _as_text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
