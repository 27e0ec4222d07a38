"""What many processes count, added up on a real Redis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import redis
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from shared.tally import Tally

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).parents[2]
ANOTHER_PROCESS = """
import sys
from redis import Redis
from shared.metrics import SYNC_SECONDS, WEBHOOKS
from shared.tally import Tally
tally = Tally(Redis.from_url(sys.argv[1]))
tally.start()
WEBHOOKS.labels("fjord-se", "accepted").inc(int(sys.argv[2]))
SYNC_SECONDS.labels("bill", "created").observe(0.3)
tally.stop()
"""


class Process:
    """The metrics of one process, and its tally."""

    def __init__(self, client: redis.Redis) -> None:
        registry = CollectorRegistry()
        self.calls = Counter("t_calls", "Calls.", ["route"], registry=registry)
        self.seconds = Histogram("t_seconds", "Time.", ["route"], buckets=(0.5, 10), registry=registry)
        self.tally = Tally(client, counted=registry)

    def scrape(self) -> list[str]:
        shown = CollectorRegistry()
        shown.register(self.tally)
        return [line for line in generate_latest(shown).decode().splitlines() if not line.startswith("#")]


def test_processes_are_added_up_and_every_one_shows_the_sums(
    redis_client: redis.Redis, redis_url: str
) -> None:
    for number in ("2", "3"):
        subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, redis_url, number], check=True, cwd=PROJECT)
    shown = CollectorRegistry()
    shown.register(Tally(redis_client))
    lines = generate_latest(shown).decode().splitlines()
    assert "# TYPE connector_webhooks_total counter" in lines
    assert 'connector_webhooks_total{outcome="accepted",tenant="fjord-se"} 5.0' in lines
    assert 'connector_sync_seconds_count{kind="bill",outcome="created"} 2.0' in lines
    assert 'connector_sync_seconds_bucket{kind="bill",le="0.25",outcome="created"} 0.0' not in lines
    assert 'connector_sync_seconds_bucket{kind="bill",le="0.5",outcome="created"} 2.0' in lines


def test_what_was_counted_is_added_once(redis_client: redis.Redis) -> None:
    one, other = Process(redis_client), Process(redis_client)
    one.calls.labels("/a").inc(2)
    other.calls.labels("/a").inc()
    other.calls.labels("/b").inc()
    one.tally.add()
    other.tally.add()
    one.tally.add()
    one.calls.labels("/a").inc()
    expected = ['t_calls_total{route="/a"} 4.0', 't_calls_total{route="/b"} 1.0']
    assert one.scrape() == other.scrape() == expected


def test_buckets_stand_in_their_order(redis_client: redis.Redis) -> None:
    process = Process(redis_client)
    for seconds in (0.1, 20, 3):
        process.seconds.labels("/a").observe(seconds)
    assert process.scrape() == [
        't_seconds_bucket{le="0.5",route="/a"} 1.0',
        't_seconds_bucket{le="10.0",route="/a"} 2.0',
        't_seconds_bucket{le="+Inf",route="/a"} 3.0',
        't_seconds_count{route="/a"} 3.0',
        't_seconds_sum{route="/a"} 23.1',
    ]


def test_without_redis_nothing_is_lost(redis_client: redis.Redis) -> None:
    process = Process(redis_client)
    process.calls.labels("/a").inc()
    known = process.scrape()
    process.calls.labels("/a").inc()
    with redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as away:
        process.tally._redis = away
        with capture_logs() as lines:
            assert process.scrape() == known
    assert {line["action"] for line in lines} == {"metrics.not_added", "metrics.unavailable"}
    process.tally._redis = redis_client
    assert process.scrape() == ['t_calls_total{route="/a"} 2.0']
