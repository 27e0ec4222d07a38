from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from structlog.testing import capture_logs

from ingress.health import Probe, health_routes
from shared.metrics import COUNTED, WEBHOOKS, FleetState

pytestmark = pytest.mark.unit

STATE = FleetState(
    records={("fjord-se", "bill", "synced"): 12, ("fjord-se", "bill", "held"): 1},
    lag_s={("fjord-se", "bill"): 7.5},
    dead_letters={"fjord-se": 2},
    polled_at={("fjord-se", "vendor"): datetime(2026, 11, 3, tzinfo=UTC)},
    circuit_open={("fjord-se", "visma"): True},
)


def broken() -> object:
    raise ConnectionError("no route")


def health_app(probes: dict[str, Probe], fetch: Callable[[], FleetState] = lambda: STATE) -> Flask:
    app = Flask("health-only")
    app.register_blueprint(health_routes(probes, fetch, COUNTED))
    return app


@pytest.mark.parametrize(
    ("queue", "database", "status", "body"),
    [
        (bool, bool, 200, {"status": "ready", "queue": "ok", "database": "ok"}),
        (broken, bool, 503, {"status": "not_ready", "queue": "unreachable", "database": "ok"}),
        (bool, broken, 503, {"status": "not_ready", "queue": "ok", "database": "unreachable"}),
    ],
)
def test_ready_means_queue_and_database_are_reachable(
    queue: Probe, database: Probe, status: int, body: dict[str, str]
) -> None:
    answer = health_app({"queue": queue, "database": database}).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()) == (status, body)


def test_alive_asks_nobody() -> None:
    answer = health_app({"queue": broken, "database": broken}).test_client().get("/livez")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "alive"})


def test_metrics_show_what_was_counted_and_what_the_database_holds() -> None:
    WEBHOOKS.labels("fjord-se", "accepted").inc()
    answer = health_app({}).test_client().get("/metrics")
    assert answer.mimetype == "text/plain"
    lines = answer.get_data(as_text=True).splitlines()
    counted = 'connector_webhooks_total{outcome="accepted",tenant="fjord-se"} '
    assert any(line.startswith(counted) for line in lines)
    assert 'connector_records{kind="bill",state="synced",tenant="fjord-se"} 12.0' in lines
    assert 'connector_lag_seconds{kind="bill",tenant="fjord-se"} 7.5' in lines
    assert 'connector_dead_letters{tenant="fjord-se"} 2.0' in lines
    assert 'connector_poll_timestamp_seconds{kind="vendor",tenant="fjord-se"} 1.793664e+09' in lines
    assert 'connector_circuit_open{system="visma",tenant="fjord-se"} 1.0' in lines


def test_metrics_without_the_database_still_show_the_counters() -> None:
    def down() -> FleetState:
        raise ConnectionError("database away")

    with capture_logs() as lines:
        answer = health_app({}, down).test_client().get("/metrics")
    assert answer.status_code == 200
    assert b"# TYPE connector_webhooks_total counter" in answer.data
    assert [(line["action"], line["error"]) for line in lines] == [("metrics.unavailable", "database away")]
