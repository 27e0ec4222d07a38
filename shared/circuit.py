"""A tenant's circuit to one upstream system: closed while it answers, open while it does not.

Kept in Redis, by what calls really met: several failures in a row open it, one answer closes it. While it
is open, records and polls of that tenant stay due and untouched; one probe at a time, at growing gaps,
finds out whether the system is back. Other tenants do not notice. A Redis that lost its data has closed
circuits, which costs a few calls.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

from redis import Redis

from shared.errors import Retryable
from shared.limits import load_script, redis_needed, redis_told

System = str
SYSTEMS: tuple[System, ...] = ("bill", "visma")

OPENS_AT = 5
"""So many calls in a row without an answer open the circuit."""

FIRST_GAP_S = 5.0
LONGEST_GAP_S = 300.0
PROBE_S = 60
"""How long a probe keeps others away; longer than a record's claim."""

KEPT_S = 86_400


@dataclass(frozen=True, slots=True)
class CircuitState:
    """What is known of one system of one tenant; ``failures`` in a row."""

    failures: int
    open: bool


class Circuits:
    """All circuits of the fleet. What is asked raises ``Retryable`` when Redis does not answer."""

    def __init__(self, redis: Redis, *, prefix: str = "circuit") -> None:
        self._redis = redis
        self._prefix = prefix
        self._fail = load_script(redis, "circuit_fail")
        self._delete_if_equal = load_script(redis, "delete_if_equal")
        self._token = uuid.uuid4().hex

    def note(self, tenant: str, system: System, *, answered: bool) -> None:
        """What one call met. An answer of any kind closes the circuit; a 5xx is none."""
        keys = [
            self._key(tenant, system),
            self._gap_key(tenant, system),
            f"{self._key(tenant, system)}:probes",
        ]
        with redis_told("circuits"):
            if answered:
                self._redis.delete(*keys)
                return
            gaps_ms = [int(FIRST_GAP_S * 1000), int(LONGEST_GAP_S * 1000)]
            self._fail(keys=keys, args=[OPENS_AT, *gaps_ms, KEPT_S])

    def find_state(self, tenant: str, system: System) -> CircuitState:
        """How the circuit stands."""
        with redis_needed("circuits"):
            failures = int(cast("bytes | None", self._redis.get(self._key(tenant, system))) or 0)
        return CircuitState(failures, failures >= OPENS_AT)

    def find_open(self, tenants: Sequence[str]) -> dict[tuple[str, System], bool]:
        """Which circuits are open, by tenant and system."""
        pairs = list(product(tenants, SYSTEMS))
        with redis_needed("circuits"):
            found = self._redis.mget([self._key(*pair) for pair in pairs]) if pairs else []
        failures = [int(each or 0) for each in cast("list[bytes | None]", found)]
        return {pair: count >= OPENS_AT for pair, count in zip(pairs, failures, strict=True)}

    def is_known_closed(self, tenant: str, system: System) -> bool:
        """Whether the system surely answers other calls; not while Redis cannot tell."""
        try:
            return not self.find_state(tenant, system).open
        except Retryable:
            return False

    def may_work(self, tenant: str) -> bool:
        """Whether to begin work for the tenant now: both circuits are closed, or this is the probe.

        One piece of work at a time begins and ends with these circuits: :meth:`end_probe` when it ends.
        """
        open_ones = [system for system in SYSTEMS if self.find_state(tenant, system).open]
        if all(self._take_probe(tenant, system) for system in open_ones):
            return True
        self.end_probe(tenant)
        return False

    def find_room(self, tenant: str, most: int) -> int:
        """How many pieces of the tenant's work may be sent: all, one as a probe, or none yet."""
        if not any(self.find_state(tenant, system).open for system in SYSTEMS):
            return most
        with redis_needed("circuits"):
            resting = any(self._redis.exists(self._gap_key(tenant, system)) for system in SYSTEMS)
        return 0 if resting else 1

    def _take_probe(self, tenant: str, system: System) -> bool:
        with redis_needed("circuits"):
            if self._redis.exists(self._gap_key(tenant, system)):
                return False
            return bool(self._redis.set(self._probe_key(tenant, system), self._token, nx=True, ex=PROBE_S))

    def end_probe(self, tenant: str) -> None:
        """Let the next probe go when its time comes, if the work that ends was the probe."""
        with redis_told("circuits"):
            for system in SYSTEMS:
                self._delete_if_equal(keys=[self._probe_key(tenant, system)], args=[self._token])

    def _key(self, tenant: str, system: System) -> str:
        return f"{self._prefix}:{tenant}:{system}"

    def _gap_key(self, tenant: str, system: System) -> str:
        return f"{self._key(tenant, system)}:gap"

    def _probe_key(self, tenant: str, system: System) -> str:
        return f"{self._key(tenant, system)}:probe"
