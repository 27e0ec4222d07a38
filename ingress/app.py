"""The composition root of the ingress: the one place that constructs what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from celery import Celery
from flask import Flask, Response
from prometheus_client.registry import Collector
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.exceptions import HTTPException

from ingress.database import check_database, fetch_fleet_state, load_tenant_keys
from ingress.health import Probe, health_routes
from ingress.keys import KeyRing
from ingress.webhooks import AnyText, Intake, webhook_routes
from shared.circuit import Circuits
from shared.clock import utc_now
from shared.metrics import FleetState
from shared.queues import DRAIN_EVENTS, make_producer
from shared.settings import Settings
from shared.store.pool import make_pool
from shared.stream import EventStream
from shared.tally import Tally
from shared.vault import Vault

REDIS_TIMEOUT_S: Final = 1.0
CLOSE: Final = "connector.close"
"""The key in ``app.extensions`` of a function that closes the app's connections."""


def create_app(settings: Settings) -> Flask:
    """The ingress as ``settings`` want it. Connects when first asked, so call it after a fork."""
    pool = make_pool(settings.database_url, name="web", max_size=2)
    redis = make_redis(settings.redis_url)
    producer = make_producer(settings.redis_url)
    vault = Vault(settings.master_keys)
    intake = Intake(
        KeyRing(partial(load_tenant_keys, pool, vault, utc_now)),
        EventStream(redis),
        partial(send_nudge, producer),
        utc_now,
        settings.webhook_max_bytes,
    )
    probes: dict[str, Probe] = {"queue": redis.ping, "database": partial(check_database, pool)}
    tally = Tally(redis)
    app = build_app(intake, probes, partial(fetch_fleet_state, pool, Circuits(redis)), tally)
    tally.start()
    app.extensions[CLOSE] = partial(_close, tally.stop, pool.close, redis.close, producer.close)
    return app


def build_app(
    intake: Intake,
    probes: Mapping[str, Probe],
    fetch_state: Callable[[], FleetState],
    counted: Collector,
) -> Flask:
    """The routes over whatever parts are handed in."""
    app = Flask("ingress", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters["any_text"] = AnyText
    app.register_blueprint(webhook_routes(intake))
    app.register_blueprint(health_routes(probes, fetch_state, counted))
    app.register_error_handler(HTTPException, _answer_error)
    return app


def make_redis(url: str) -> Redis:
    """A client that answers in bytes, gives up soon, and tries once more on a connection gone stale."""
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 1),
    )


def send_nudge(producer: Celery) -> None:
    """Call for a drain of the event stream; raises soon, never hangs, when the broker does not answer."""
    producer.send_task(DRAIN_EVENTS, retry=False, ignore_result=True)


def _answer_error(error: HTTPException) -> Response:
    """An error of the address or the method, in the form of every other answer."""
    response = error.get_response()
    answer = Response(
        f'{{"status":"{error.name.lower().replace(" ", "_")}"}}', error.code, mimetype="application/json"
    )
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def _close(*closers: Callable[[], object]) -> None:
    for close in closers:
        close()
