"""The dead_letters table: tasks that a repeat cannot heal, kept until a person settles them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg.rows import DictRow

from shared.queues import COPY_ATTACHMENTS
from shared.store.pool import Conn, jsonb
from shared.store.queries import load_queries

SQL = load_queries("dead_letters")
FAILED_AGAIN = "it failed again and left another letter"
State = Literal["replayed", "discarded"]
"""How a person settles a letter; ``closed`` it is by a run."""


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
    conn: Conn,
    tenant: str,
    kind: str,
    bill_id: str,
    *,
    by: str,
    why: str | None = None,
    attachments: bool = False,
) -> None:
    """Close the open letters of a record, or of its ``attachments``, whose end is another run's by now."""
    values = {
        "tenant": tenant, "kind": kind, "bill_id": bill_id, "by": by, "why": why, "attachments": attachments,
    }  # fmt: skip
    conn.execute(SQL["close"], values)


def replace_letters(conn: Conn, letter: DeadLetter, *, by: str) -> int:
    """Write the letter of a record that failed, instead of those it left before; its id."""
    if letter.tenant and letter.kind and letter.bill_id:
        copying = letter.task == COPY_ATTACHMENTS
        close_letters(
            conn, letter.tenant, letter.kind, letter.bill_id, by=by, why=FAILED_AGAIN, attachments=copying
        )
    return add_letter(conn, letter)


def settle_letter(
    conn: Conn, letter_id: int, state: State, *, by: str, why: str | None = None
) -> DictRow | None:
    """Settle an open letter in a person's name; None when it is not open any more, or never was.

    Lock the letter's record before, as everybody who writes both does.
    """
    values = {"id": letter_id, "state": state, "by": by, "why": why}
    return conn.execute(SQL["settle"], values).fetchone()


def list_letters(conn: Conn, tenant: str | None = None, *, state: str | None = "open") -> list[DictRow]:
    """Letters oldest first; ``state`` None lists every one."""
    return conn.execute(SQL["list"], {"tenant": tenant, "state": state}).fetchall()


def find_letter(conn: Conn, letter_id: int) -> DictRow | None:
    """A letter with everything that was kept of it, or None."""
    return conn.execute(SQL["get"], {"id": letter_id}).fetchone()


def find_open(conn: Conn, task_id: str) -> int | None:
    """The open letter that a task left, or None."""
    row = conn.execute(SQL["find_open"], {"task_id": task_id}).fetchone()
    return int(row["id"]) if row else None


def count_open(conn: Conn) -> dict[str, int]:
    """Open letters by tenant."""
    return {row["tenant"]: row["count"] for row in conn.execute(SQL["count_open"])}
