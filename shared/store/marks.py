"""The marks table: single facts about the whole installation."""

from __future__ import annotations

from typing import Final

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("marks")

REDIS_LIFE: Final = "redis_life"
"""Which life of Redis the fleet saw last: another one means that Redis lost its data."""


def find_mark(conn: Conn, name: str) -> str | None:
    """What is noted under a name, or None."""
    row = conn.execute(SQL["find"], {"name": name}).fetchone()
    return str(row["value"]) if row else None


def put_mark(conn: Conn, name: str, value: str) -> None:
    """Note something under a name."""
    conn.execute(SQL["put"], {"name": name, "value": value})
