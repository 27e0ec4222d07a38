"""What all processes of the fleet counted, added up in Redis, so that one scrape tells of all of them.

A worker's pool has many processes, none of which listens anywhere, on machines that share no disk. So
every process adds what it counted since the last time to one hash, every few seconds and at its end, and
``GET /metrics`` of any web process shows the sums. A kill costs the counts of those seconds; a Redis that
lost its data begins at zero again, which Prometheus takes as a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Final, cast

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from shared import jsontext, logs
from shared.metrics import COUNTED

EVERY_S: Final = 5.0
_CREATED: Final = "_created"
"""Samples that tell when a counter began, which has no sum."""

log = logs.get_logger(__name__)

Field = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels in the order of their names."""


class Tally(Collector):
    """Adds what ``counted`` holds of this process to the fleet's sums; as a collector it shows the sums.

    Make it after a fork and before anything is counted. Without Redis nothing is added or lost, and the
    sums known last are shown.
    """

    def __init__(
        self, redis: Redis, *, key: str = "metrics:counted", counted: CollectorRegistry = COUNTED
    ) -> None:
        self._redis, self._key, self._counted = redis, key, counted
        self._added = _read(counted)  # by whoever adds it himself
        self._sums: dict[Field, float] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Add every few seconds from now on, until :meth:`stop`."""
        self._thread = threading.Thread(target=self._run, name="tally", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Add what is left."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(EVERY_S)
        self.add()

    def add(self) -> None:
        """Add what was counted since the last time; a Redis that does not answer gets it the next time."""
        with self._lock:
            now = _read(self._counted)
            news = {field: value - self._added.get(field, 0.0) for field, value in now.items()}
            try:
                with self._redis.pipeline() as pipe:  # all or nothing: nothing is added twice
                    for field, value in news.items():
                        if value > 0:
                            pipe.hincrbyfloat(self._key, jsontext.dumps(field), value)
                    pipe.execute()
            except RedisError as error:
                log.info("counts not added", action="metrics.not_added", why=type(error).__name__)
                return
            self._added = now

    def describe(self) -> Iterable[Metric]:
        """The families without values."""
        return [Metric(each.name, each.documentation, each.type) for each in self._counted.collect()]

    def collect(self) -> Iterator[Metric]:
        """The families with the fleet's sums."""
        self.add()
        try:
            found = cast("dict[bytes, bytes]", self._redis.hgetall(self._key))
            self._sums = {_field(name): float(value) for name, value in found.items()}
        except RedisError as error:
            log.warning("fleet's counts not available", action="metrics.unavailable", error=str(error))
        for family in self.describe():
            for (name, labels), value in sorted(self._sums.items(), key=_in_order):
                if name.removeprefix(family.name) in {"", "_total", "_bucket", "_count", "_sum"}:
                    family.add_sample(name, dict(labels), value)
            yield family

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            self.add()


def _read(counted: CollectorRegistry) -> dict[Field, float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in counted.collect()
        for sample in family.samples
        if not sample.name.endswith(_CREATED)
    }


def _field(text: bytes) -> Field:
    name, labels = jsontext.loads(text)
    return str(name), tuple((str(label), str(value)) for label, value in labels)


def _in_order(item: tuple[Field, float]) -> tuple[object, ...]:
    """Series by their labels, the buckets of one by their bound."""
    (name, labels), _ = item
    bounds = [float(value) for label, value in labels if label == "le"]
    return [pair for pair in labels if pair[0] != "le"], name, bounds
