"""The one stage of a test run: the fleet of the Procfile beside the sandbox, on the tests' own servers."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from deploy.stage import Stage
from shared.settings import NAMES
from tests.conftest import with_database

WORKER_NAME = "stage"
FLOWER_USER = "anna"


@contextmanager
def staged(environ: Mapping[str, str], database_url: str, redis_url: str, home: Path) -> Iterator[Stage]:
    """A running stage on a database of its own; the Redis database is emptied before and after."""
    name = f"stage_{secrets.token_hex(4)}"
    settings = {
        "DATABASE_URL": with_database(database_url, name),
        "REDIS_URL": redis_url,
        "CONNECTOR_MASTER_KEYS": f"stage:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{secrets.token_urlsafe(12)}",
        "LOG_FORMAT": "json",
        "WORKER_NAME": WORKER_NAME,
        "WORKER_CONCURRENCY": "4",
    }
    ours = {*NAMES, *(f"{each}_FILE" for each in NAMES), "DYNO"}
    foreign = {key: value for key, value in environ.items() if key not in ours}
    _execute(database_url, "CREATE DATABASE {}", name)
    try:
        with _emptied(redis_url), Stage(home, home / "log", {**foreign, **settings}) as stage:
            yield stage
            # Celery's farewell takes 25 s whenever a task runs; what a killed worker leaves is dropped.
            stage.fleet.kill9("worker")
    finally:
        _execute(database_url, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def _emptied(redis_url: str) -> Iterator[None]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield
        client.flushdb()


def _execute(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
