"""The ingress as gunicorn runs it: what only a real socket and a real server process can show."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from redis import Redis

from shared.stream import EventStream
from tests.integration.test_ingress import MASTER_KEYS, conn, environ
from tests.unit.ingress.payloads import TENANT, minified, notification, signed

pytestmark = pytest.mark.integration

__all__ = ["conn"]  # a fixture
PATH = f"/webhooks/bill/{TENANT}"
BODY = minified(notification())
LIMIT = 4096
SIGNED = {"x-bill-sha-signature": signed(BODY)}


def gunicorn(port_socket: socket.socket, settings: dict[str, str]) -> subprocess.Popen[str]:
    """gunicorn on a socket handed down, so that no port is guessed."""
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--worker-class=gthread"]
    command += [
        "--threads=2",
        "--workers=1",
        f"--bind=fd://{port_socket.fileno()}",
        "ingress.wsgi:application",
    ]
    return subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"], **settings},
        pass_fds=[port_socket.fileno()],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def port(
    conn: object, store_dsn: str, redis_client: Redis, redis_url: str, listening: socket.socket
) -> Iterator[int]:
    settings = {**environ(store_dsn, redis_url), "WEBHOOK_MAX_BYTES": str(LIMIT)}
    with gunicorn(listening, settings) as process:
        yield listening.getsockname()[1]
        process.terminate()
        process.communicate(timeout=15)


def ask(port: int, method: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, PATH, body=body, headers={**SIGNED, **headers})  # type: ignore[arg-type]
        answer = connection.getresponse()
        return answer.status, answer.read()


def send_raw(port: int, text: bytes) -> bytes:
    """The status line that raw bytes are answered with; empty when the connection is just closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline()


def test_the_server_behaves_on_the_wire(port: int, redis_client: Redis) -> None:
    """One test for all of it: starting the server takes longer than asking it."""
    assert ask(port, "POST", BODY) == (200, b'{"status":"accepted"}')
    assert ask(port, "POST", iter([BODY[:100], BODY[100:]])) == (200, b'{"status":"accepted"}')
    assert [entry.body for entry in EventStream(redis_client).read("w1")] == [BODY, BODY]
    assert ask(port, "POST", b"x" * (LIMIT + 1)) == (413, b'{"status":"too_large"}')
    assert ask(port, "POST", iter([b"x" * 1000] * 5)) == (413, b'{"status":"too_large"}')
    assert ask(port, "POST", BODY, **{"x-bill-sha-signature": "\xe9"})[0] == 401
    assert ask(port, "GET")[0] == 405
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
    for hostile in (
        b"Content-Length: 99999999999999\r\n\r\nx",
        b"Content-Length: 100\r\n\r\ncut off",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbad chunk",
        b"Transfer-Encoding: chunked\r\n\r\nff\r\ncut off",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        assert send_raw(port, head + hostile).split()[1:2] in ([b"400"], [b"401"], [b"413"]), hostile
    assert ask(port, "POST", BODY)[0] == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [("WEBHOOK_MAX_BYTES", "many"), ("CONNECTOR_MASTER_KEYS", "no-key"), ("LOG_LEVEL", "LOUD")],
)
def test_a_wrong_setting_stops_the_server_with_one_line(
    name: str, text: str, listening: socket.socket
) -> None:
    settings = {**environ("postgresql://127.0.0.1:1/x", "redis://127.0.0.1:1/0"), name: text}
    with gunicorn(listening, settings) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert [line for line in errors.splitlines() if line.startswith(f"web: {name}")]
    assert "Traceback" not in errors
    assert MASTER_KEYS not in errors
