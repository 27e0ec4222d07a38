from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from kombu.exceptions import OperationalError

from shared import queues

pytestmark = pytest.mark.unit

TASKS = {
    value for value in vars(queues).values() if isinstance(value, str) and value.startswith("connector.")
}


def test_every_task_has_a_queue_that_exists() -> None:
    assert set(queues.ROUTES) == TASKS
    assert set(queues.ROUTES.values()) <= set(queues.QUEUES)
    settings = queues.celery_settings("redis://127.0.0.1/0")
    assert tuple(settings["task_queues"]) == queues.QUEUES
    assert settings["task_default_queue"] in queues.QUEUES


def test_webhooks_go_before_polls_and_polls_before_backfills() -> None:
    order = queues.QUEUES.index
    assert max(order("control"), order("intake"), order("webhooks")) < order("polls") < order("backfill")


def test_no_message_outlives_its_visibility() -> None:
    """Counted down, waiting for a slot with the longest task in it, then running to its own limit."""
    longest = max(queues.TASK_TIME_LIMIT_S, queues.COPYING_TIME_LIMIT_S)
    repeated = queues.MAX_COUNTDOWN_S + longest + queues.TASK_TIME_LIMIT_S  # copying has no countdown
    assert max(repeated, longest + queues.COPYING_TIME_LIMIT_S) < queues.VISIBILITY_TIMEOUT_S
    settings = queues.celery_settings("redis://127.0.0.1/0")
    assert settings["worker_prefetch_multiplier"] == 1 and settings["task_acks_late"]
    worker = queues.celery_settings("redis://127.0.0.1/0")["broker_transport_options"]
    producer = queues.make_producer("redis://127.0.0.1/0").conf.broker_transport_options
    assert worker["visibility_timeout"] == producer["visibility_timeout"] == queues.VISIBILITY_TIMEOUT_S


def test_a_lost_connection_is_never_repaired_behind_the_workers_back() -> None:
    """A repaired subscription is read without end, in the loop that takes all tasks."""
    for settings in (
        queues.celery_settings("redis://127.0.0.1/0"),
        queues.make_producer("redis://127.0.0.1/0").conf,
    ):
        assert settings["broker_transport_options"]["retry_on_timeout"] is False


def test_a_misspelt_queue_is_an_error_not_a_new_queue() -> None:
    with pytest.raises(Exception, match="webhoks"):
        queues.make_producer("redis://127.0.0.1:1/0").send_task(queues.TICK, queue="webhoks", retry=False)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_producer_gives_up_soon_on_a_broker_that_is_gone_or_silent(silent_port: int) -> None:
    for port in (1, silent_port):
        began = time.monotonic()
        with pytest.raises(OperationalError):
            queues.make_producer(f"redis://127.0.0.1:{port}/0").send_task(queues.DRAIN_EVENTS, retry=False)
        assert time.monotonic() - began < 10
