"""Fresh sessions and tokens that a system refuses all the same, kept in Redis for the whole fleet.

An expired session is replaced once and the call repeated. When the fresh one is refused too, that may be
a hiccup of the other side, so the call is worth a repeat later. When it lasts for a minute without one
call let through, the credentials count as refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, cast

from redis import Redis

from shared.clock import Clock, utc_now
from shared.errors import ConnectorError, CredentialsRefused
from shared.limits import redis_needed, redis_told

T = TypeVar("T")

LASTS_S: Final = 60.0
_KEPT_S: Final = 900
"""Refusals further apart than this are not one doubt."""

_NAMES: Final = {"bill": "BILL", "visma": "Visma"}


class Doubts:
    """Whether a tenant's credentials are in doubt. A refusal without Redis raises ``Retryable``."""

    def __init__(self, redis: Redis, *, prefix: str = "doubt", clock: Clock = utc_now) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock

    def call(self, tenant: str, system: str, expired: type[ConnectorError], call: Callable[[], T]) -> T:
        """What ``call`` answers; where it raises ``expired``, what it answers with a fresh session.

        While the credentials are in doubt there is no second try, which would cost a log-in each time.
        Raises ``expired``, or ``CredentialsRefused`` once nothing else was heard for ``LASTS_S``.
        """
        try:
            return self._trust(tenant, system, call())
        except expired as error:
            if self._begun_at(tenant, system) is not None:
                raise self._judge(tenant, system, error) from None
        try:
            return self._trust(tenant, system, call())
        except expired as error:
            raise self._judge(tenant, system, error) from None

    def _trust(self, tenant: str, system: str, answer: T) -> T:
        with redis_told("doubts"):
            self._redis.delete(self._key(tenant, system))
        return answer

    def _judge(self, tenant: str, system: str, error: ConnectorError) -> ConnectorError:
        now = self._clock().timestamp()
        with redis_needed("doubts"):
            self._redis.set(self._key(tenant, system), now, nx=True)
            self._redis.expire(self._key(tenant, system), _KEPT_S)
        lasted_s = now - (self._begun_at(tenant, system) or now)
        if lasted_s < LASTS_S:
            return error
        return CredentialsRefused(
            system,
            f"{_NAMES[system]} lets us log in and then refuses every call, for {lasted_s:.0f} s by now: "
            f"{error}; set credentials with `connector credentials set {tenant} {system}`",
        )

    def _begun_at(self, tenant: str, system: str) -> float | None:
        with redis_needed("doubts"):
            found = cast("bytes | None", self._redis.get(self._key(tenant, system)))
        return None if found is None else float(found)

    def _key(self, tenant: str, system: str) -> str:
        return f"{self._prefix}:{tenant}:{system}"
