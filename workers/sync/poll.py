"""What a poll works with: one walk of one list of one tenant, taken by one worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.bill.client import BillClient
from shared.store import watermarks
from shared.store.pool import Conn, Connections
from shared.store.records import Due
from shared.store.watermarks import Poll
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient

RECOVER_S = 3600
"""How often BILL's log of notifications is compared."""


@dataclass(frozen=True, slots=True)
class PollWork:
    """A poll that is ours until it ends or its claim runs out.

    A long walk is done in pieces, so that it holds no worker for long: ``resume`` is where the piece
    before ended, ``until`` (monotonic seconds) when this one should.
    """

    tenant: TenantConfig
    poll: Poll
    pool: Connections
    bill: BillClient
    visma: VismaClient
    clock: Callable[[], datetime]
    resume: dict[str, Any] | None = None
    until: float = math.inf

    @property
    def is_over(self) -> bool:
        """Whether this piece of the walk has taken its time: the rest goes to the back of the queue."""
        return time.monotonic() > self.until

    @contextmanager
    def conn(self) -> Iterator[Conn]:
        """A database connection for as long as one look or write takes."""
        with self.pool.connection() as conn:
            yield conn

    def find_position(self) -> str | None:
        """How far the last whole walk came."""
        with self.conn() as conn:
            return watermarks.find_position(conn, self.poll)

    def find_last_began_at(self) -> datetime | None:
        """When the last whole walk began."""
        with self.conn() as conn:
            row = watermarks.find_watermark(conn, self.poll.tenant, self.poll.source, self.poll.kind)
        began_at: datetime | None = row["last_complete_at"] if row is not None else None
        return began_at

    def hold(self, position: str | None = None) -> None:
        """Keep the poll for the next page; ``position`` is how far the walk is stored whole, if it has parts.

        Raises ClaimLost when another worker has it.
        """
        with self.conn() as conn:
            watermarks.hold(conn, self.poll, position=position)

    def complete(self, position: str | None, started_at: datetime) -> None:
        """The walk is stored whole: move the watermark."""
        sync = self.tenant.sync
        rarely = {"sweep": sync.sweep_interval_s, "events": RECOVER_S}
        interval_s = rarely.get(self.poll.source, sync.poll_interval_s)
        with self.conn() as conn:
            watermarks.complete(
                conn,
                self.poll,
                position=position,
                started_at=started_at,
                interval_s=interval_s,
            )


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk saw, and what it woke; with ``resume`` it is not over and goes on from there."""

    rows: int
    due: tuple[Due, ...] = ()
    resume: dict[str, Any] | None = None
