"""A server that misbehaves as told, byte by byte, on a loopback port of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable

from shared.errors import Retryable

Script = Callable[[socket.socket, int], None]
"""Talks on one connection; told the connection's number, from 0. The socket is closed afterwards."""


class WireServer:
    """Runs ``script`` in a thread for every connection until :meth:`stop`."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.stopping = threading.Event()
        self.connections = 0
        self.requests: list[bytes] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        """Close the listener and let every script end."""
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def read_request(self, connection: socket.socket) -> bytes:
        """One request with its body; empty when the client hung up."""
        text = b""
        while b"\r\n\r\n" not in text:
            text += (piece := connection.recv(65536))
            if not piece:
                return b""
        head, _, body = text.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:"), 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def drip(self, connection: socket.socket, pieces: bytes) -> None:
        """One byte every 50 ms, again and again, until the client hangs up."""
        while not self.stopping.wait(0.05):
            try:
                connection.sendall(pieces)
            except OSError:
                return

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(10)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._script(connection, number)
        except OSError:
            connection.close()


def until_sent(call: Callable[[], object]) -> None:
    """Call again while nothing was sent: on a slow machine a short deadline may pass before that."""
    while True:
        try:
            call()
            return
        except Retryable as error:
            assert "nothing was sent" in str(error), error
