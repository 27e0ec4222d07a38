"""The events table: every accepted webhook, raw; a repeat of an event id ends here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("events")


@dataclass(frozen=True, slots=True)
class Event:
    """One webhook as it was accepted; ``body`` is what BILL sent, byte for byte."""

    tenant: str
    event_id: str
    event_type: str
    kind: str
    bill_id: str
    body: bytes
    received_at: datetime


def add_events(conn: Conn, events: Sequence[Event]) -> set[tuple[str, str]]:
    """Insert events and return (tenant, event id) of those that were new.

    In one order whoever inserts: two batches with the same events never wait for each other.
    """
    fresh: set[tuple[str, str]] = set()
    in_order = sorted(events, key=lambda event: (event.tenant, event.event_id))
    with conn.pipeline():
        cursors = [(event, conn.execute(SQL["add"], _row(event))) for event in in_order]
        for event, cursor in cursors:
            if cursor.fetchone() is not None:
                fresh.add((event.tenant, event.event_id))
    return fresh


def find_known(conn: Conn, tenant: str, event_ids: Sequence[str]) -> set[str]:
    """Which of these events of a tenant are rows already."""
    rows = conn.execute(SQL["known"], {"tenant": tenant, "event_ids": list(event_ids)})
    return {row["event_id"] for row in rows}


def find_last(conn: Conn, tenant: str, kind: Kind, bill_id: str) -> DictRow | None:
    """Id, type and time of the last notification of a record; None where none is kept."""
    return conn.execute(
        SQL["last_of_record"], {"tenant": tenant, "kind": kind, "bill_id": bill_id}
    ).fetchone()


def delete_older(conn: Conn, before: datetime, *, most: int) -> int:
    """Delete at most so many events received ``before`` a time, the oldest first; how many there were."""
    return conn.execute(SQL["delete_older"], {"before": before, "most": most}).rowcount


def _row(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in Event.__slots__}
