"""The connector's Prometheus metrics, each defined once.

What a process counts itself is a counter or a histogram here; ``shared.tally`` adds up what all of them
counted. What stands in the database is not
counted twice: a collector asks for it, through a function handed in, when someone scrapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

COUNTED: Final = CollectorRegistry()
"""What this process counted."""

WEBHOOKS: Final = Counter(
    "connector_webhooks", "Webhook requests by outcome.", ["tenant", "outcome"], registry=COUNTED
)
SYNC_SECONDS: Final = Histogram(
    "connector_sync_seconds",
    "Time to make one record true.",
    ["kind", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=COUNTED,
)
UPSTREAM_REQUESTS: Final = Counter(
    "connector_upstream_requests",
    "Requests to BILL and Visma.",
    ["system", "route", "status"],
    registry=COUNTED,
)
UPSTREAM_SECONDS: Final = Histogram(
    "connector_upstream_seconds",
    "Time until BILL or Visma answered.",
    ["system", "route"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
    registry=COUNTED,
)

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FleetState:
    """What the database says at one moment; the keys are the metrics' labels in their order."""

    records: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Records by tenant, kind and state."""
    lag_s: Mapping[Pair, float] = field(default_factory=dict)
    """Seconds that the oldest due record has waited, by tenant and kind."""
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    """Open dead letters by tenant."""
    polled_at: Mapping[Pair, datetime] = field(default_factory=dict)
    """End of the last complete poll, by tenant and kind."""
    circuit_open: Mapping[Pair, bool] = field(default_factory=dict)
    """Whether calls are stopped, by tenant and system."""


class FleetCollector(Collector):
    """Shows a :class:`FleetState`, asked for at most every ``ttl_s`` seconds however many scrape.

    ``fetch`` may raise: the scrape then shows the state known last, and none before there is one;
    ``on_error`` hears of it.
    """

    def __init__(
        self,
        fetch: Callable[[], FleetState],
        on_error: Callable[[Exception], None],
        *,
        ttl_s: float = 15.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._on_error = fetch, on_error
        self._ttl_s, self._monotonic = ttl_s, monotonic
        self._state = FleetState()
        self._next_at: float | None = None
        self._lock = Lock()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The families without values, so that registering asks the database nothing."""
        return _families(FleetState())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families with the values of a state no older than ``ttl_s``, if it can be had."""
        yield from _families(self._current())

    def _current(self) -> FleetState:
        with self._lock:
            now = self._monotonic()
            if self._next_at is None or now >= self._next_at:
                self._next_at = now + self._ttl_s
                try:
                    self._state = self._fetch()
                except Exception as error:  # a scrape must show the counters while the database is down
                    self._on_error(error)
            return self._state


def _families(state: FleetState) -> list[GaugeMetricFamily]:
    polled = {labels: at.timestamp() for labels, at in state.polled_at.items()}
    letters = {(tenant,): count for tenant, count in state.dead_letters.items()}
    return [
        _family("connector_records", "Records by state.", ["tenant", "kind", "state"], state.records),
        _family("connector_lag_seconds", "Age of the oldest due record.", ["tenant", "kind"], state.lag_s),
        _family("connector_dead_letters", "Open dead letters.", ["tenant"], letters),
        _family(
            "connector_poll_timestamp_seconds", "End of the last complete poll.", ["tenant", "kind"], polled
        ),
        _family(
            "connector_circuit_open",
            "1 while calls to a system are stopped.",
            ["tenant", "system"],
            state.circuit_open,
        ),
    ]


def _family(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), float(value))
    return family
