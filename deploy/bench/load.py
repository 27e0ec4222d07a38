"""A small load generator: requests made beforehand, sent over connections that stay open."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Burst:
    """What came of a burst; latencies in seconds, of accepted requests only."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def accepted(self) -> int:
        """How many were answered with 200."""
        return len(self.latencies_s)

    def add(self, other: Burst) -> None:
        """Count another burst in."""
        self.seconds += other.seconds
        self.latencies_s += other.latencies_s
        self.refused += other.refused


def make_request(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST as it goes over the wire."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def fire(url: str, requests: Sequence[bytes], *, connections: int, most_s: float = 10.0) -> Burst:
    """Send the requests over so many connections, each the next when it has its answer; at most for a time.

    Raises OSError when the server hangs up.
    """
    return asyncio.run(_fire(url, requests, connections, most_s))


async def _fire(url: str, requests: Sequence[bytes], connections: int, most_s: float) -> Burst:
    parts, burst, left = urlsplit(url), Burst(), iter(requests)
    links = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(connections)]
    started = time.perf_counter()
    try:
        await asyncio.gather(*(_drive(*link, left, burst, started + most_s) for link in links))
        burst.seconds = time.perf_counter() - started
    finally:
        for _, writer in links:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in links), return_exceptions=True)
    return burst


async def _drive(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    requests: Iterator[bytes],
    burst: Burst,
    until: float,
) -> None:
    for request in requests:
        started = time.perf_counter()
        if started > until:
            return
        writer.write(request)
        try:
            status = await _read_status(reader)
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the server hung up under load") from None
        if status == 200:
            burst.latencies_s.append(time.perf_counter() - started)
        else:
            burst.refused += 1


async def _read_status(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, which is read whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    await reader.readexactly(int(length.group(1)) if length else 0)
    return int(head.split(b" ", 2)[1])
