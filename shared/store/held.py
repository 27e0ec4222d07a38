"""Held records as people work them off: by reason, oldest first, 50 at a time whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("held")
PAGE_SIZE = 50
MOST_SUPPLIERS = 20_000


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """Where a page ended: its last record, in the order of the list."""

    reason: str
    held_at: datetime
    tenant: str
    kind: str
    bill_id: str


def count_reasons(conn: Conn, tenant: str | None) -> list[DictRow]:
    """Rows of reason, count and the time of the oldest, by reason."""
    return conn.execute(SQL["counts"], {"tenant": tenant}, prepare=False).fetchall()


def list_page(
    conn: Conn, *, tenant: str | None = None, reason: str | None = None, last: HeldPlace | None = None
) -> list[DictRow]:
    """The records behind ``last``, by reason and age; one more than a page tells that there is a next one."""
    place = {f"last_{name}": getattr(last, name, None) for name in HeldPlace.__slots__}
    values = {"tenant": tenant, "reason": reason, "most": PAGE_SIZE + 1, **place}
    return conn.execute(SQL["page"], values, prepare=False).fetchall()


def count_behind(conn: Conn, vendors: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """How many bills wait for these vendors, by tenant and id."""
    values: dict[str, Any] = {
        "tenants": [tenant for tenant, _ in vendors],
        "vendor_ids": [vendor_id for _, vendor_id in vendors],
    }
    rows = conn.execute(SQL["behind"], values)
    return {(row["tenant"], row["vendor_id"]): row["count"] for row in rows}


def find_held_at(conn: Conn, tenant: str, kind: str, bill_id: str) -> datetime | None:
    """Since when a record is held, or None."""
    row = conn.execute(SQL["held_at"], {"tenant": tenant, "kind": kind, "bill_id": bill_id}).fetchone()
    return row["held_at"] if row else None


def list_suppliers(conn: Conn, tenant: str) -> list[DictRow]:
    """A company's suppliers as its list last showed them, to choose among."""
    return conn.execute(SQL["suppliers"], {"tenant": tenant, "most": MOST_SUPPLIERS}).fetchall()
