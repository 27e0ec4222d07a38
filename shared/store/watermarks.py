"""The watermarks table: how far each poll has come, when the next is due, and who runs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from shared.errors import ClaimLost
from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("watermarks")
CLAIM_S = 60
"""A poll's claim; extended page by page, so a dead worker's poll is taken over after this long."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll taken by one worker: the walk of one list of one tenant."""

    tenant: str
    source: str
    kind: str
    token: UUID

    @property
    def key(self) -> dict[str, object]:
        """Statement parameters that name the poll and prove who runs it."""
        return {"tenant": self.tenant, "source": self.source, "kind": self.kind, "token": self.token}


def take_due_polls(conn: Conn, *, most: int = 100, most_long: int = 100) -> list[Poll]:
    """Polls that are due now; each is given to one caller only.

    At most ``most`` of one tenant run at a time, and ``most_long`` of those that look back over weeks.
    """
    rows = conn.execute(SQL["take_due"], {"claim_s": CLAIM_S, "most": most, "most_long": most_long})
    return [Poll(row["tenant"], row["source"], row["kind"], row["claim_token"]) for row in rows]


def hold(conn: Conn, poll: Poll, *, position: str | None = None) -> None:
    """Keep the poll for another while; ``position`` is how far the walk is stored whole, if it has parts.

    Raises ClaimLost when it was taken over.
    """
    values = {**poll.key, "claim_s": CLAIM_S, "position": position}
    if conn.execute(SQL["hold"], values).rowcount != 1:
        raise ClaimLost("another worker took this poll over")


def find_position(conn: Conn, poll: Poll) -> str | None:
    """The newest value that a whole walk has seen, as the server wrote it."""
    row = find_watermark(conn, poll.tenant, poll.source, poll.kind)
    return str(row["position"]) if row is not None and row["position"] is not None else None


def find_watermark(conn: Conn, tenant: str, source: str, kind: str) -> DictRow | None:
    """The watermark of one poll, or None."""
    rows = list_watermarks(conn, tenant)
    return next((row for row in rows if (row["source"], row["kind"]) == (source, kind)), None)


def complete(
    conn: Conn, poll: Poll, *, position: str | None, started_at: datetime, interval_s: float
) -> None:
    """A whole walk is stored: move the position forward and set the next poll."""
    values = {**poll.key, "position": position, "started_at": started_at, "interval_s": interval_s}
    if conn.execute(SQL["complete"], values).rowcount != 1:
        raise ClaimLost("another worker took this poll over")


def note_walk(
    conn: Conn, tenant: str, source: str, kind: str, *, position: str, started_at: datetime
) -> None:
    """A whole walk is stored that no poll had claimed: move the position forward."""
    values = {"tenant": tenant, "source": source, "kind": kind}
    conn.execute(SQL["note_walk"], {**values, "position": position, "started_at": started_at})


def fail(conn: Conn, poll: Poll, *, error: str, delay_s: float) -> None:
    """The walk did not end: try again after ``delay_s`` from the old position."""
    conn.execute(SQL["fail"], {**poll.key, "error": error, "delay_s": delay_s})


def begin_backfill(conn: Conn, tenant: str, since: str | None) -> None:
    """Have everything that BILL changed since a day (None: all) walked; a tick sends the walk."""
    conn.execute(SQL["begin_backfill"], {"tenant": tenant, "since": since})


def end_backfill(conn: Conn, poll: Poll) -> None:
    """The walk of a backfill is stored whole; after the vendors' comes the bills'."""
    if conn.execute(SQL["end_backfill"], poll.key).fetchone() is None:
        raise ClaimLost("another worker took this backfill over")


def list_watermarks(conn: Conn, tenant: str | None = None) -> list[DictRow]:
    """All watermarks, of one tenant or of every one."""
    return conn.execute(SQL["list"], {"tenant": tenant}).fetchall()


def measure_visma_age_s(conn: Conn, tenant: str) -> float | None:
    """Seconds since Visma was last walked whole; None before both first walks are complete."""
    row = conn.execute(SQL["visma_age"], {"tenant": tenant}).fetchone()
    return row["age_s"] if row else None


def poll_now(conn: Conn, tenant: str, *, source: str | None = None) -> None:
    """Make all polls of a tenant due, or those of one source."""
    conn.execute(SQL["poll_now"], {"tenant": tenant, "source": source})
