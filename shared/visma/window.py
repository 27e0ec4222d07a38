"""How long a write that was announced may still be sent.

A process may be frozen between its claim's prolongation and the sending, and wake when the claim is
another's. So the time of a write counts from before it was announced: one that could not be sent within a
call's deadline of that is not sent at all.
"""

from __future__ import annotations

import time

from shared.http_guard import Deadline


class WriteWindow:
    """Opened before each announcement; until the first, writes have the time that any call has."""

    def __init__(self) -> None:
        self._opened_at: float | None = None

    def open(self) -> None:
        """Count from now; call it before the claim is prolonged."""
        self._opened_at = time.monotonic()

    def new_deadline(self, seconds: float) -> Deadline:
        """The deadline of a write that takes at most ``seconds``, counted from the opening."""
        return Deadline(seconds, since=self._opened_at)
