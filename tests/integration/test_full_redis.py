"""A Redis that is up and takes no writes: what is not stored is refused, in one line, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient
from kombu.exceptions import OperationalError

from deploy.embedded.home import Home
from deploy.embedded.lease import ensure_servers, wait_stopped
from ingress.app import CLOSE, create_app
from shared import queues
from shared.circuit import Circuits
from shared.errors import Retryable
from shared.limits import LEASE_S, Places
from shared.settings import load_settings
from shared.store import records
from shared.store.pool import Conn, make_pool
from shared.stream import EventStream
from tests.integration.test_ingress import BODY, TENANT, conn, environ, post, signed
from tests.support import full_redis
from workers.sync.dispatch import Dispatcher

pytestmark = pytest.mark.integration
__all__ = ["conn"]

Full = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A Redis of this module's own: a full one is nobody's neighbour."""
    folder = Path(tempfile.mkdtemp(prefix="connector-full-"))
    home = Home(folder)
    with ensure_servers(home, database=False):
        yield home
    wait_stopped(home)
    shutil.rmtree(folder)


@pytest.fixture
def url(home: Home) -> str:
    with ensure_servers(home, database=False) as lease:
        assert lease.redis_url is not None
        return lease.redis_url


@pytest.fixture
def server(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as client:
        client.flushall()
        yield client


@pytest.fixture(params=["snapshots", "log", "memory"])
def full(request: pytest.FixtureRequest, server: redis.Redis, home: Home) -> Full:
    """Makes Redis full in each of the ways it can be."""
    if request.param == "log" and not full_redis.LIMITED:
        pytest.skip("this system cannot limit the files of another process")
    ways: dict[str, Full] = {
        "snapshots": lambda: full_redis.no_room_for_snapshots(server, home.redis_data),
        "log": lambda: full_redis.no_room_for_its_log(server),
        "memory": lambda: full_redis.no_memory(server),
    }
    return ways[request.param]


@pytest.fixture
def client(conn: Conn, store_dsn: str, url: str) -> Iterator[FlaskClient]:
    app = create_app(load_settings(environ(store_dsn, url)))
    yield app.test_client()
    app.extensions[CLOSE]()


def test_an_event_that_is_not_stored_is_refused_in_one_line_and_stored_once_when_it_comes_again(
    full: Full, client: FlaskClient, server: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert post(client) == 200
    with full():
        capsys.readouterr()
        answer = client.post(
            f"/webhooks/bill/{TENANT}", data=BODY, headers={"x-bill-sha-signature": signed(BODY)}
        )
        said = capsys.readouterr().out.splitlines()
        assert (answer.status_code, answer.get_json()) == (503, {"status": "unavailable"})
        assert int(answer.headers["Retry-After"]) > 0
        assert EventStream(server).get_depth() == 1
    (line,) = [each for each in said if "event not queued" in each]
    assert "Redis refuses writes, " in line
    assert "eventId" not in line, "what BILL sent stands in no log"
    assert post(client) == 200
    assert [entry.body for entry in EventStream(server).read("w1")] == [BODY, BODY]


def test_work_that_needs_it_is_given_back_without_a_count(full: Full, server: redis.Redis) -> None:
    places, circuits = Places(server), Circuits(server)
    with full():
        with pytest.raises(Retryable, match="places at bill: Redis refuses writes, ") as caught, hold(places):
            raise AssertionError("nobody gets a place")
        assert not caught.value.counts
        circuits.note("acme", "visma", answered=True)  # the call is over: its answer is not lost over this
    with hold(places):
        circuits.note("acme", "visma", answered=True)


def hold(places: Places) -> AbstractContextManager[None]:
    return places.hold("bill", 1)


def test_a_call_that_ends_while_it_is_full_keeps_its_answer_and_its_place_is_free_soon_after(
    full: Full, server: redis.Redis
) -> None:
    places = Places(server)
    with ExitStack() as call:
        call.enter_context(hold(places))
        with full():
            call.close()
    began = time.monotonic()
    with hold(places):
        assert time.monotonic() - began < LEASE_S / 4


def test_a_record_that_could_not_be_sent_is_due_at_once_when_there_is_room(
    full: Full, conn: Conn, store_dsn: str, url: str, server: redis.Redis
) -> None:
    heard = [records.Heard("vendor", f"0090{number}", NOW) for number in range(3)]
    records.make_due(conn, TENANT, heard)
    app = queues.make_producer(url)
    with make_pool(store_dsn, name="test", max_size=2) as pool:
        dispatcher = Dispatcher(app, pool, Circuits(server))
        with full(), pytest.raises(OperationalError):
            dispatcher.dispatch_of(TENANT)
        assert dispatcher.dispatch_of(TENANT) == 3
        assert dispatcher.dispatch_of(TENANT) == 0
    app.close()
    sent = [json.loads(each)["headers"]["argsrepr"] for each in messages(server)]
    assert len(set(sent)) == 3


def messages(server: redis.Redis) -> list[bytes]:
    found: list[bytes] = server.lrange(queues.WEBHOOKS, 0, -1)  # type: ignore[assignment]
    return found
