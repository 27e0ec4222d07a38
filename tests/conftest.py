"""Real servers for the tests: those that DATABASE_URL and REDIS_URL name, else embedded ones of this run.

What the URLs name is for tests alone: the Redis database is emptied before every test that uses it.
Without servers the tests that need them are skipped on a laptop and fail in CI.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
import redis
from psycopg import sql

from deploy.embedded.home import EmbeddedError, Home
from deploy.embedded.lease import Lease, ensure_servers, wait_stopped
from shared.settings import NAMES
from tests.support import tally
from tests.support.sharing import Sharing, find_turn

hypothesis.settings.register_profile("busy machines too", deadline=None)
hypothesis.settings.load_profile("busy machines too")

if TYPE_CHECKING:
    from xdist.remote import Producer

    from deploy.stage import Stage

TIERS = ("unit", "integration", "acceptance", "browser")
ENVIRON = dict(os.environ)  # as the run was started; the tests themselves see none of our settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the quick tiers first, or what takes longest where processes share; no tier is a mistake."""
    for item in items:
        if _tier(item) is None:
            raise pytest.UsageError(
                f"{item.nodeid} has no tier: mark its module as one of {', '.join(TIERS)}"
            )
    items.sort(key=lambda item: TIERS.index(_tier(item) or "unit"))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: find_turn(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing | None:
    """Who runs what, where a run is shared by scope; other ways are pytest-xdist's own."""
    return Sharing(config, log) if config.getoption("dist") == "loadscope" else None


def _tier(item: pytest.Item) -> str | None:
    return next((tier for tier in TIERS if item.get_closest_marker(tier)), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was counted."""
    tally.tell(terminalreporter)


@pytest.fixture(autouse=True)
def clean_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in (*NAMES, "DYNO"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder that the database's own user can reach too, unlike ``tmp_path``."""
    folder = Path(tempfile.mkdtemp(prefix="connector-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def servers() -> Iterator[Lease]:
    """URLs of both servers, running for the whole session."""
    database_url, redis_url = ENVIRON.get("DATABASE_URL"), ENVIRON.get("REDIS_URL")
    redis_url = redis_url and _own_redis(redis_url)
    if database_url and redis_url:
        yield Lease(-1, database_url, redis_url)
        return
    folder = Path(tempfile.mkdtemp(prefix="connector-test-"))
    folder.chmod(0o755)
    home = Home(folder)
    with _ensure_servers(home, database=not database_url, redis=not redis_url) as lease:
        if lease.database_url:
            forgo_fsync(lease.database_url)
        lease.database_url = lease.database_url or database_url
        lease.redis_url = lease.redis_url or redis_url
        yield lease
    wait_stopped(home)
    shutil.rmtree(folder)


def _own_redis(url: str) -> str:
    """A Redis database for this process alone: its neighbour empties its own as it likes."""
    return _later_redis(url, 2 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))


def _later_redis(url: str, places: int) -> str:
    parts = urlsplit(url)
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + places}").geturl()


def _ensure_servers(home: Home, *, database: bool, redis: bool) -> Lease:
    try:
        return ensure_servers(home, database=database, redis=redis)
    except EmbeddedError as error:
        if ENVIRON.get("CI") == "true":
            raise
        pytest.skip(f"no servers to test with: {error}")


def forgo_fsync(url: str) -> None:
    """No machine crashes within a test run; making and dropping a database is five times faster so."""
    _execute(url, "ALTER SYSTEM SET fsync = off")
    _execute(url, "SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def database_url(servers: Lease) -> str:
    """A PostgreSQL server on which tests may make databases."""
    assert servers.database_url is not None
    return servers.database_url


@pytest.fixture(scope="session")
def redis_url(servers: Lease) -> str:
    """A Redis database for tests alone; what is in it may be gone at the next test."""
    assert servers.redis_url is not None
    return servers.redis_url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of an empty Redis database."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="session")
def migrated_template(database_url: str) -> Iterator[str]:
    """Name of a migrated database that each test copies: a copy costs a fraction of the migrations."""
    from shared.store.migrate import migrate

    name = f"test_{secrets.token_hex(4)}"
    _execute(database_url, "CREATE DATABASE {}", name)
    migrate(with_database(database_url, name))
    yield name
    _execute(database_url, "DROP DATABASE {} WITH (FORCE)", name)


_numbers = itertools.count(1)


@pytest.fixture
def store_dsn(database_url: str, migrated_template: str) -> Iterator[str]:
    """URL of a migrated, empty database of this test's own."""
    name = f"{migrated_template}_{next(_numbers)}"
    _execute(database_url, "CREATE DATABASE {} TEMPLATE {}", name, migrated_template)
    yield with_database(database_url, name)
    _execute(database_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def stage(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The whole fleet beside the sandbox, for all tests that need it; each has a tenant of its own.

    In a Redis database of its own: its workers would take what other tests send.
    """
    from tests.support.staging import staged

    stage_url = _later_redis(redis_url, 1)
    with staged(ENVIRON, database_url, stage_url, tmp_path_factory.mktemp("stage")) as running:
        yield running


def with_database(url: str, name: str) -> str:
    """``url`` with another database name."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _execute(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
