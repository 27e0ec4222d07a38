"""The history table: append-only, who or what did what to which record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.fields import Change
from shared.store.pool import Conn, jsonb
from shared.store.queries import load_queries

SQL = load_queries("history")
HistoryKind = Kind | Literal["tenant"]
TENANT: Final = "tenant"
"""The kind of what a person did to a whole tenant; its id stands in the place of a record's."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a record, or to a tenant. ``actor`` is a worker's name or a person's."""

    tenant: str
    kind: HistoryKind
    bill_id: str
    actor: str
    action: str
    reason: str | None = None
    detail: str | None = None
    changes: Sequence[Change] = ()
    visma_type: str | None = None
    visma_number: str | None = None
    task_id: str | None = None


def add_entry(conn: Conn, entry: Entry) -> None:
    """Write one entry; belongs in the transaction that changes the record."""
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    conn.execute(SQL["add"], {**values, "changes": jsonb([change.to_json() for change in entry.changes])})


def list_entries(conn: Conn, tenant: str, kind: HistoryKind, bill_id: str) -> list[DictRow]:
    """A record's history, oldest first."""
    return conn.execute(SQL["list"], {"tenant": tenant, "kind": kind, "bill_id": bill_id}).fetchall()
