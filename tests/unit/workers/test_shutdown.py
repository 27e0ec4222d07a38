from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
from celery import signals

from workers import app, shutdown

pytestmark = pytest.mark.unit


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set when this process is told to shut down cold."""
    event = threading.Event()
    before = signal.signal(signal.SIGQUIT, lambda number, frame: event.set())
    monkeypatch.setattr(shutdown, "GRACE_S", 0.01)
    yield event
    signal.signal(signal.SIGQUIT, before)


def test_a_warm_shutdown_that_takes_too_long_becomes_a_cold_one(heard: threading.Event) -> None:
    signals.worker_shutting_down.send(sender="w", sig="SIGTERM", how="Warm", exitcode=0)
    assert app is not None
    assert heard.wait(5)


def test_a_cold_shutdown_is_left_alone() -> None:
    before = threading.active_count()
    shutdown.end_in_time("Cold")
    assert threading.active_count() == before
