from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from shared.metrics import FleetCollector, FleetState

pytestmark = pytest.mark.unit


class Database:
    """Counts how often it is asked; fails while ``failure`` is set."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None

    def __call__(self) -> FleetState:
        self.asked += 1
        if self.failure:
            raise self.failure
        return FleetState(dead_letters={"fjord-se": self.asked})


def letters(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("connector_dead_letters", {"tenant": "fjord-se"})


def test_the_database_is_asked_once_in_fifteen_seconds_and_never_at_registering() -> None:
    now, database, errors = [0.0], Database(), list[Exception]()
    registry = CollectorRegistry()
    registry.register(FleetCollector(database, errors.append, monotonic=lambda: now[0]))
    assert database.asked == 0
    assert [letters(registry), letters(registry)] == [1.0, 1.0]
    now[0] = 14.9
    assert letters(registry) == 1.0
    now[0] = 15.0
    assert letters(registry) == 2.0


def test_a_failing_database_is_reported_and_not_asked_again_at_once() -> None:
    now, database, errors = [0.0], Database(), list[Exception]()
    registry = CollectorRegistry()
    registry.register(FleetCollector(database, errors.append, monotonic=lambda: now[0]))
    assert letters(registry) == 1.0
    database.failure = ConnectionError("away")
    now[0] = 15.0
    assert [letters(registry), letters(registry)] == [1.0, 1.0]
    assert (database.asked, errors) == (2, [database.failure])
