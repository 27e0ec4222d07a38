"""What ``requests`` cannot do: end a call at a deadline whatever drips, and tell whether it was sent.

A socket's timeout starts anew with every byte, so a server that sends one byte a second holds a
worker for ever. A watchdog shuts the socket at the deadline instead; the reading thread then meets
the end of the stream. The connection also notes the moment before its first byte goes out: until
then nothing can have happened on the other side.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

_CURRENT: ContextVar[CallGuard | None] = ContextVar("http_call", default=None)

_CONNECT_RETRY = Retry(
    total=1, connect=1, read=False, redirect=0, status=0, other=0, respect_retry_after_header=False
)


class Deadline:
    """A moment on the monotonic clock by which all of a call, its log-in too, has ended.

    It counts from now, or from ``since``.
    """

    def __init__(self, seconds: float, *, since: float | None = None) -> None:
        self._ends = (time.monotonic() if since is None else since) + seconds

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends - time.monotonic())

    def extend(self, seconds: float) -> None:
        """Let it end ``seconds`` later."""
        self._ends += seconds


class CallGuard:
    """One call in flight in this thread: whether it was sent, and the socket to shut at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.sent = False
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(deadline.remaining_s(), self._abort)
        self._timer.daemon = True

    def __enter__(self) -> CallGuard:
        self._token = _CURRENT.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _CURRENT.reset(self._token)
        with self._lock:
            self._let_go()

    def watch(self, connected: socket.socket) -> None:
        """Shut this socket at the deadline, through a handle of our own that nobody else can close."""
        with self._lock:
            self._let_go()
            self._socket = socket.socket(fileno=os.dup(connected.fileno()))
            if self.expired:
                self._shut()

    def before_sending(self) -> None:
        """Note that bytes leave now; raises TimeoutError while it is still certain that none has."""
        if not self.sent and self.deadline.remaining_s() == 0.0:
            raise TimeoutError("the deadline passed before anything was sent")
        self.sent = True

    def lengthen(self, seconds: float) -> None:
        """Move the deadline, for an answer that turns out to be a large file; an expired call stays so."""
        with self._lock:
            self._timer.cancel()
            self.deadline.extend(seconds)
            if not self.expired:
                self._timer = threading.Timer(self.deadline.remaining_s(), self._abort)
                self._timer.daemon = True
                self._timer.start()

    def _abort(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is None:
            return
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other side was faster
            self._let_go()

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _GuardedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch_reused(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _note_sent()
        super().send(data)


class _GuardedHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch_reused(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _note_sent()
        super().send(data)


def _watched(connected: socket.socket) -> socket.socket:
    guard = _CURRENT.get()
    if guard is not None:
        guard.watch(connected)
    return connected


def _watch_reused(connected: socket.socket | None) -> None:
    if connected is not None:
        _watched(connected)


def _note_sent() -> None:
    guard = _CURRENT.get()
    if guard is not None:
        guard.before_sending()


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class GuardedAdapter(HTTPAdapter):
    """An adapter whose connections report to the :class:`CallGuard` of the calling thread.

    A connection that could not be opened is tried once more; nothing else is ever repeated here.
    """

    def __init__(self, pool_size: int) -> None:
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=_CONNECT_RETRY)
        self.poolmanager.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
