"""The load generator, against a server of a few lines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from deploy.bench.load import fire, make_request

pytestmark = pytest.mark.unit


@contextmanager
def _serving(answers: dict[bytes, bytes]) -> Iterator[str]:
    """A server that answers each body as told, and hangs up on what it was not told of."""
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"POST /here HTTP/1.1\r\n")
                body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
                if body not in answers:
                    return
                writer.write(answers[body])
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/here"
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Close once every connection has ended: one just being accepted fails on a closed server."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 5)
    server.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NO = b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"


def test_every_request_is_sent_once_and_counted_by_its_answer() -> None:
    with _serving({b"a": OK, b"b": NO}) as url:
        requests = [make_request(url, body, {"X-Name": "1"}) for body in [b"a"] * 20 + [b"b"] * 5]
        burst = fire(url, requests, connections=3)
    assert (burst.accepted, burst.refused) == (20, 5)
    assert 0 < max(burst.latencies_s) <= burst.seconds


def test_no_request_is_begun_after_the_time() -> None:
    with _serving({b"a": OK}) as url:
        burst = fire(url, [make_request(url, b"a", {})] * 50, connections=2, most_s=-1.0)
    assert burst.accepted == 0


def test_a_server_that_hangs_up_is_an_error() -> None:
    with _serving({}) as url, pytest.raises(OSError, match="hung up"):
        fire(url, [make_request(url, b"a", {})], connections=1)


def test_bursts_add_up() -> None:
    with _serving({b"a": OK}) as url:
        first = fire(url, [make_request(url, b"a", {})] * 2, connections=1)
        second = fire(url, [make_request(url, b"a", {})] * 3, connections=1)
    seconds = first.seconds + second.seconds
    first.add(second)
    assert (first.accepted, first.seconds) == (5, seconds)
