"""The HTTP session against a server that misbehaves on the wire."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.errors import ConnectorError, OutcomeUnknown, Retryable
from shared.http import Answer, HttpSession
from tests.unit.shared.wire_server import Script, WireServer, until_sent

pytestmark = pytest.mark.unit

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Start = Callable[[Script], WireServer]
Speak = Callable[[WireServer, socket.socket], None]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers and stops them."""
    servers: list[WireServer] = []

    def start_one(script: Script) -> WireServer:
        servers.append(WireServer(script))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture
def http() -> Iterator[HttpSession]:
    """A session that a slow machine does not hurry."""
    session = HttpSession("visma", max_bytes=1000)
    yield session
    session.close()


@pytest.fixture
def hasty() -> Iterator[HttpSession]:
    """A session with a short deadline."""
    session = HttpSession("visma", connect_timeout_s=0.4, deadline_s=0.6, max_bytes=1000)
    yield session
    session.close()


def speaking(start: Start, speak: Speak) -> WireServer:
    """A server that reads one request and then speaks."""

    def script(connection: socket.socket, number: int) -> None:
        server.read_request(connection)
        speak(server, connection)

    server = start(script)
    return server


def send(http: HttpSession, server: WireServer, *, write: bool = False) -> Answer:
    return http.send(
        "POST" if write else "GET",
        f"{server.url}/v1/thing?name=x",
        route="/v1/thing",
        headers={"Authorization": "Bearer sekrit"},
        body=b'{"password":"sekrit"}' if write else None,
        write=write,
    )


def test_connection_is_reused_and_headers_are_ours(start: Start, http: HttpSession) -> None:
    def script(connection: socket.socket, number: int) -> None:
        while server.read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}")

    server = start(script)
    assert [send(http, server).json() for _ in range(3)] == [{}, {}, {}]
    assert server.connections == 1
    assert b"User-Agent: bill-visma-connector/" in server.requests[0]
    assert not any(b"Cookie" in request for request in server.requests)


def test_environment_names_no_proxy(start: Start, http: HttpSession, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = speaking(start, lambda _, connection: connection.sendall(OK))
    assert send(http, server).status == 200


def test_redirect_is_an_answer(start: Start, http: HttpSession) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    server = speaking(start, lambda _, connection: connection.sendall(moved))
    assert send(http, server).status == 302


@pytest.mark.parametrize("status", [413, 429, 500, 503])
def test_told_wait_is_an_answer(start: Start, http: HttpSession, status: int) -> None:
    busy = f"HTTP/1.1 {status} Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n".encode()
    server = speaking(start, lambda _, connection: connection.sendall(busy))
    assert send(http, server, write=True).retry_after_s() == 5
    assert len(server.requests) == 1


@pytest.mark.parametrize("write", [False, True])
def test_nothing_was_sent_to_a_closed_port(http: HttpSession, write: bool) -> None:
    closed = WireServer(lambda *_: None)
    closed.stop()
    with pytest.raises(Retryable, match="nothing was sent"):
        send(http, closed, write=write)


def test_nothing_was_sent_to_an_unknown_host(http: HttpSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(Retryable, match="nothing was sent"):
        http.send("POST", "http://visma.invalid/", route="/", write=True)


def test_unsendable_header_sends_nothing(start: Start, http: HttpSession) -> None:
    server = start(lambda *_: None)
    for value in ("a\r\nb: c", "sekrit\u2026"):
        with pytest.raises(Retryable, match="nothing was sent") as caught:
            http.send("POST", server.url, route="/", headers={"devKey": value}, write=True)
        assert "sekrit" not in str(caught.value)


def truncate(_: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")


def say_nothing(_: WireServer, connection: socket.socket) -> None:
    connection.close()


def reset(_: WireServer, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def babble(_: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"sekrit sekrit\r\n\r\n")


def break_chunks(_: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsekrit\r\n")


def be_endless(_: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)


@pytest.mark.parametrize("speak", [truncate, say_nothing, reset, babble, break_chunks, be_endless])
@pytest.mark.parametrize(("write", "error"), [(False, Retryable), (True, OutcomeUnknown)])
def test_lost_answer(
    start: Start, http: HttpSession, speak: Speak, write: bool, error: type[ConnectorError]
) -> None:
    server = speaking(start, speak)
    with pytest.raises(error, match="no whole answer") as caught:
        send(http, server, write=write)
    assert "sekrit" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert len(server.requests) == 1, "nothing is repeated here once it was sent"


def drip_status(server: WireServer, connection: socket.socket) -> None:
    server.drip(connection, b"H")


def drip_headers(server: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    server.drip(connection, b"X-A: b\r\n")


def drip_body(server: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    server.drip(connection, b"x")


def drip_endless_body(server: WireServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    server.drip(connection, b"x")


def stall(server: WireServer, connection: socket.socket) -> None:
    server.stopping.wait()


@pytest.mark.parametrize("speak", [drip_status, drip_headers, drip_body, drip_endless_body, stall])
def test_deadline_holds_whatever_drips(start: Start, hasty: HttpSession, speak: Speak) -> None:
    server = speaking(start, speak)
    with pytest.raises(OutcomeUnknown, match="deadline"):
        until_sent(lambda: send(hasty, server, write=True))


def test_dropped_kept_connection_leaves_a_write_unknown(start: Start, http: HttpSession) -> None:
    def script(connection: socket.socket, number: int) -> None:
        server.read_request(connection)
        connection.sendall(OK)
        server.read_request(connection)

    server = start(script)
    send(http, server, write=True)
    with pytest.raises(OutcomeUnknown):
        send(http, server, write=True)
    assert (server.connections, len(server.requests)) == (1, 2)


def test_no_time_left_sends_nothing(start: Start, http: HttpSession) -> None:
    server = speaking(start, lambda _, connection: connection.sendall(OK))
    spent = HttpSession("visma", deadline_s=0.0).new_deadline()
    with pytest.raises(Retryable, match="nothing was sent"):
        http.send("POST", server.url, route="/", write=True, deadline=spent)
    assert server.requests == []


def test_observer_hears_every_request(start: Start) -> None:
    heard: list[tuple[str, str, str]] = []
    http = HttpSession("bill", observer=lambda *told: heard.append(told[:3]))
    answering = speaking(start, lambda _, connection: connection.sendall(OK))
    silent = speaking(start, say_nothing)
    closed = WireServer(lambda *_: None)
    closed.stop()
    send(http, answering)
    for server in (silent, closed):
        with pytest.raises(Retryable):
            send(http, server)
    http.close()
    assert heard == [("bill", "/v1/thing", status) for status in ("200", "lost", "unsent")]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (" 12 ", 12.0), ("-1", None), ("soon", None), ("", None), ("²", None)],
)
def test_retry_after_in_seconds(header: str, seconds: float | None) -> None:
    assert Answer(429, {"Retry-After": header}, b"").retry_after_s() == seconds


def test_retry_after_as_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=100)
    told = Answer(503, {"Retry-After": f"{later:%a, %d %b %Y %H:%M:%S} GMT"}, b"").retry_after_s()
    assert told is not None
    assert 90 < told <= 100


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"", b"[" * 100_000, b"1e9999999999999999999"])
def test_what_is_no_json(body: bytes) -> None:
    answer = Answer(200, {}, body)
    assert answer.find_json() is None
    with pytest.raises(ValueError, match=r".*"):
        answer.json()


def test_answer_shows_no_content() -> None:
    assert repr(Answer(200, {"a": "sekrit"}, b"sekrit")) == "Answer(status=200)"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[WireServer]:
    """Drips its body after a whole TLS handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def script(connection: socket.socket, number: int) -> None:
        server.read_request(connection)
        drip_body(server, connection)

    server = WireServer(script, context)
    yield server
    server.stop()


def test_untrusted_certificate_gets_nothing(tls_server: WireServer, http: HttpSession) -> None:
    with pytest.raises(Retryable, match="nothing was sent"):
        send(http, tls_server, write=True)
    assert tls_server.requests == []


def test_deadline_holds_over_tls(
    tls_server: WireServer, hasty: HttpSession, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hasty._session, "verify", str(certificate))
    with pytest.raises(OutcomeUnknown, match="deadline"):
        until_sent(lambda: send(hasty, tls_server, write=True))


def test_stalled_handshake_sends_nothing(start: Start, hasty: HttpSession) -> None:
    def script(connection: socket.socket, number: int) -> None:
        server.stopping.wait()

    server = start(script)
    with pytest.raises(Retryable, match="nothing was sent"):
        hasty.send("POST", server.url.replace("http", "https", 1), route="/", write=True)
