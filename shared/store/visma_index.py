"""The visma_index table: suppliers and supplier invoices as Visma's lists last showed them.

Filled by polling 500 at a time and by our own writes, so that matching, duplicate checks and
verification cost no call per record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import DictRow

from shared.store.pool import Conn, jsonb
from shared.store.queries import load_queries

SQL = load_queries("visma_index")
IndexKind = Literal["supplier", "supplier_invoice"]
SUPPLIER_TYPE = "Supplier"
"""Suppliers have no document type at Visma; this stands in its column."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A supplier or supplier invoice as last seen. ``bill_id`` is our marker on it, if it has one."""

    tenant: str
    kind: IndexKind
    visma_type: str
    number: str
    status: str
    etag: str
    supplier_number: str | None = None
    name: str | None = None
    name_key: str | None = None
    number_keys: tuple[str, ...] = ()
    bill_id: str | None = None
    reference_key: str | None = None
    currency: str | None = None
    total: Decimal | None = None
    document_date: date | None = None
    last_modified: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def put_entries(conn: Conn, entries: Iterable[Entry]) -> None:
    """Insert or replace what the lists, or a write of ours, showed."""
    with conn.transaction(), conn.pipeline():
        for entry in entries:
            conn.execute(SQL["put"], _row(entry))


def remove_entry(conn: Conn, tenant: str, kind: IndexKind, visma_type: str, number: str) -> None:
    """Forget a document that was deleted."""
    conn.execute(SQL["remove"], {"tenant": tenant, "kind": kind, "visma_type": visma_type, "number": number})


def find_supplier_candidates(
    conn: Conn, tenant: str, *, vendor_id: str, number_keys: Sequence[str], name_key: str, number: str | None
) -> list[Entry]:
    """Suppliers that share our marker, a registration number or the folded name, or have this number."""
    rows = conn.execute(
        SQL["supplier_candidates"],
        {
            "tenant": tenant,
            "vendor_id": vendor_id,
            "number_keys": list(number_keys),
            "name_key": name_key,
            "number": number,
        },
    )
    return [_entry(row) for row in rows]


def find_by_bill(conn: Conn, tenant: str, kind: IndexKind, bill_id: str) -> list[Entry]:
    """What carries our marker of this vendor or bill."""
    rows = conn.execute(SQL["by_bill"], {"tenant": tenant, "kind": kind, "bill_id": bill_id})
    return [_entry(row) for row in rows]


def find_by_reference(conn: Conn, tenant: str, supplier_number: str, reference_key: str) -> list[Entry]:
    """Supplier invoices of this supplier with this reference that are not voided."""
    rows = conn.execute(
        SQL["by_reference"],
        {"tenant": tenant, "supplier_number": supplier_number, "reference_key": reference_key},
    )
    return [_entry(row) for row in rows]


def find_entry(conn: Conn, tenant: str, kind: IndexKind, visma_type: str, number: str) -> Entry | None:
    """One supplier or supplier invoice by its number, or None."""
    row = conn.execute(
        SQL["get"], {"tenant": tenant, "kind": kind, "visma_type": visma_type, "number": number}
    ).fetchone()
    return _entry(row) if row else None


def _row(entry: Entry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    return {**values, "number_keys": list(entry.number_keys), "details": jsonb(entry.details)}


def _entry(row: DictRow) -> Entry:
    values = {name: row[name] for name in Entry.__slots__}
    return Entry(**{**values, "number_keys": tuple(row["number_keys"])})
