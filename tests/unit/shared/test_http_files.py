"""Files on the wire: piece by piece, with a deadline that grows with their size."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator

import pytest

from shared import http as http_module
from shared.errors import OutcomeUnknown, Permanent, Retryable
from shared.http import Answer, FileTooLarge, HttpSession
from shared.http_guard import Deadline
from shared.multipart import FilePart
from tests.unit.shared.wire_server import Script, WireServer, until_sent

pytestmark = pytest.mark.unit

Start = Callable[[Script], WireServer]
HEAD = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n"


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
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSession]:
    """A session for files of at most 1,000,000 bytes, at 10,000 a second."""
    monkeypatch.setattr(http_module, "MAX_FILE_BYTES", 1_000_000)
    monkeypatch.setattr(http_module, "FILE_BYTES_PER_S", 10_000)
    session = HttpSession("bill", max_bytes=1000)
    yield session
    session.close()


def serving(start: Start, answer: bytes, *, gap_s: float = 0.0) -> WireServer:
    """A server that sends ``answer`` to one request, in five pieces with a gap before each but the first."""

    def script(connection: socket.socket, number: int) -> None:
        server.read_request(connection)
        size = len(answer) // 5 + 1
        for start_at in range(0, len(answer), size):
            if start_at:
                server.stopping.wait(gap_s)
            connection.sendall(answer[start_at : start_at + size])

    server = start(script)
    return server


def download(http: HttpSession, server: WireServer, deadline: Deadline | None = None) -> tuple[Answer, bytes]:
    into, headers = io.BytesIO(), {"sessionId": "s"}
    answer = http.download(f"{server.url}/file", route="/file", into=into, headers=headers, deadline=deadline)
    return answer, into.getvalue()


def test_a_file_goes_into_the_sink_and_not_into_the_answer(start: Start, http: HttpSession) -> None:
    content = bytes(range(256)) * 1000
    server = serving(start, HEAD.format(len(content)).encode() + content)
    answer, stored = download(http, server)
    assert (answer.status, answer.body, stored == content) == (200, b"", True)
    assert b"Accept: */*\r\n" in server.requests[0]
    assert b"sessionId: s\r\n" in server.requests[0]


def test_a_larger_file_has_more_time(start: Start, http: HttpSession) -> None:
    content = b"x" * 600_000
    answer = HEAD.format(len(content)).encode() + content
    _, stored = download(http, serving(start, answer, gap_s=0.6), deadline := Deadline(2.0))
    assert len(stored) == len(content), "it took 2.4 s, beyond the 2 s of the call"
    assert 0 < deadline.remaining_s() < 60


def test_a_small_file_has_no_more_time_than_it_needs(start: Start, http: HttpSession) -> None:
    answer = HEAD.format(1000).encode() + b"x" * 1000
    with pytest.raises(Retryable, match="deadline"):
        download(http, serving(start, answer, gap_s=0.2), Deadline(0.5))


@pytest.mark.parametrize(
    "answer",
    [
        HEAD.format(1_000_001).encode() + b"x",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 1_000_001,
    ],
    ids=["announced", "unannounced"],
)
def test_a_file_beyond_the_cap_is_refused_for_good(start: Start, http: HttpSession, answer: bytes) -> None:
    observed: list[str] = []
    http._observer = lambda system, route, status, seconds: observed.append(status)
    with pytest.raises(FileTooLarge):
        download(http, serving(start, answer))
    assert observed == ["200"], "the other side did answer"
    assert issubclass(FileTooLarge, Permanent)


def test_a_cut_file_is_none(start: Start, http: HttpSession) -> None:
    with pytest.raises(Retryable, match="no whole answer"):
        download(http, serving(start, HEAD.format(5000).encode() + b"x" * 4999))


@pytest.mark.parametrize("status", ["302 Found", "401 No", "500 Oh"])
def test_an_answer_that_is_no_file_comes_whole(start: Start, http: HttpSession, status: str) -> None:
    text = f"HTTP/1.1 {status}\r\nLocation: /x\r\nContent-Length: 2\r\n\r\n[]".encode()
    answer, stored = download(http, serving(start, text))
    assert (answer.status, answer.body, stored) == (int(status[:3]), b"[]", b"")


def upload(
    http: HttpSession, server: WireServer, size: int, deadline: Deadline | None = None
) -> tuple[Answer, FilePart]:
    part = FilePart("a.bin", io.BytesIO(b"x" * size), size)
    headers = {"Content-Type": part.content_type}
    url = f"{server.url}/up"
    return http.send(
        "POST", url, route="/up", headers=headers, body=part, write=True, deadline=deadline
    ), part


def test_an_upload_says_its_length_and_is_whole(start: Start, http: HttpSession) -> None:
    server = serving(start, HEAD.format(0).encode())
    answer, part = upload(http, server, 300_000)
    assert answer.status == 200
    assert f"Content-Length: {len(part)}\r\n".encode() in server.requests[0]
    assert b"Transfer-Encoding" not in server.requests[0]
    part.rewind()
    assert server.requests[0].endswith(b"\r\n\r\n" + b"".join(part))


def test_an_upload_that_nobody_takes_ends_at_its_deadline_with_an_unknown_outcome(
    start: Start, http: HttpSession
) -> None:
    def script(connection: socket.socket, number: int) -> None:
        server.stopping.wait()

    server = start(script)
    with pytest.raises(OutcomeUnknown, match="deadline"):
        until_sent(lambda: upload(http, server, 900_000, Deadline(1.0)))
