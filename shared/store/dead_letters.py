"""The dead_letters table: tasks that a repeat cannot heal, kept until a person settles them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from shared.store.pool import Conn, jsonb
from shared.store.queries import load_queries

SQL = load_queries("dead_letters")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that failed for good. ``args`` name records, never their content; ``raw`` is a webhook
    that could not be read."""

    task: str
    args: Sequence[Any]
    error_class: str
    error: str
    task_id: str | None = None
    tenant: str | None = None
    kind: str | None = None
    bill_id: str | None = None
    traceback: str | None = None
    raw: bytes | None = None
    attempts: int = 0


def add_letter(conn: Conn, letter: DeadLetter) -> int:
    """Write a letter and return its id; the same task id twice is one letter."""
    values = {name: getattr(letter, name) for name in DeadLetter.__slots__}
    row = conn.execute(SQL["add"], {**values, "args": jsonb(list(letter.args))}).fetchone()
    return int(row["id"]) if row else 0


def close_letters(
    conn: Conn, tenant: str, kind: str, bill_id: str, *, by: str, attachments: bool = False
) -> int:
    """Close the open letters of a record that succeeded, or of its ``attachments``; how many there were."""
    values = {"tenant": tenant, "kind": kind, "bill_id": bill_id, "by": by, "attachments": attachments}
    return conn.execute(SQL["close"], values).rowcount


def list_letters(conn: Conn, tenant: str | None = None, *, state: str | None = "open") -> list[DictRow]:
    """Letters oldest first; ``state`` None lists every one."""
    return conn.execute(SQL["list"], {"tenant": tenant, "state": state}).fetchall()


def find_letter(conn: Conn, letter_id: int) -> DictRow | None:
    """A letter with everything that was kept of it, or None."""
    return conn.execute(SQL["get"], {"id": letter_id}).fetchone()


def count_open(conn: Conn) -> dict[str, int]:
    """Open letters by tenant."""
    return {row["tenant"]: row["count"] for row in conn.execute(SQL["count_open"])}
