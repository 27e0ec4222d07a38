"""Following work to its end: what is left to do, what stopped, and a word whenever that may have changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("progress")

CHANNEL: Final = "connector_records"
"""Whoever settles a record notifies this channel with its tenant's id."""


PACE_S: Final = 600.0
"""So much of the past tells how fast the work goes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Records ``left`` to do, and ``settled`` in the last ``span_s`` seconds (None: none)."""

    left: int
    settled: int
    span_s: float | None

    @property
    def per_minute(self) -> float | None:
        """Records done a minute, None where none was. A few done just now say little: a minute at least."""
        return self.settled / max(self.span_s, 60.0) * 60 if self.span_s is not None else None


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant, or one record of it, or what changed in BILL ``since`` a time."""

    tenant: str
    kind: Kind | None = None
    bill_id: str | None = None
    since: datetime | None = None

    @property
    def values(self) -> dict[str, object]:
        """Statement parameters."""
        return {name: getattr(self, name) for name in Scope.__slots__}


def count_left(conn: Conn, scope: Scope) -> int:
    """How many records of the scope's tenant, or whether its one record, still have work."""
    row = conn.execute(SQL["count_left"], scope.values).fetchone()
    return int(row["count"]) if row else 0


def list_stopped(conn: Conn, scope: Scope) -> list[DictRow]:
    """Kind, id, state, reason and detail of the scope's held and dead records."""
    return conn.execute(SQL["list_stopped"], scope.values).fetchall()


def count_unsynced(conn: Conn, tenant: str) -> list[DictRow]:
    """Kind, state, reason, detail and count of what is not in Visma, bills first, what needs people first."""
    return conn.execute(SQL["count_unsynced"], {"tenant": tenant}).fetchall()


def measure_pace(conn: Conn, tenant: str | None = None) -> dict[str, Pace]:
    """How the work goes, by tenant; tenants without records are left out."""
    rows = conn.execute(SQL["measure_pace"], {"tenant": tenant, "window_s": PACE_S})
    return {row["tenant"]: Pace(row["left"], row["settled"], row["span_s"]) for row in rows}


def count_looked_up(conn: Conn, tenant: str | None = None) -> dict[str, int]:
    """Creates whose answer was lost and that a look-up found, by tenant."""
    rows = conn.execute(SQL["count_looked_up"], {"tenant": tenant})
    return {row["tenant"]: row["count"] for row in rows}


def listen(conn: Conn) -> None:
    """Hear of settled records on this connection, outside any transaction."""
    conn.execute(f"LISTEN {CHANNEL}")


def wait_for_word(conn: Conn, *, at_most_s: float) -> bool:
    """Wait until a record of any tenant was settled; False when ``at_most_s`` passed without a word."""
    return any(True for _ in conn.notifies(timeout=at_most_s, stop_after=1))
