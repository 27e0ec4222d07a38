"""The links table: which supplier a vendor is because a person said so."""

from __future__ import annotations

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("links")


def put_link(conn: Conn, tenant: str, vendor_id: str, supplier_number: str, *, made_by: str) -> None:
    """Tie a vendor to a supplier, in place of the one before; the database refuses a second vendor."""
    values = {"tenant": tenant, "vendor_id": vendor_id, "supplier_number": supplier_number}
    conn.execute(SQL["put"], {**values, "made_by": made_by})


def find_link(conn: Conn, tenant: str, vendor_id: str) -> str | None:
    """The supplier a vendor was tied to, or None."""
    row = conn.execute(SQL["get"], {"tenant": tenant, "vendor_id": vendor_id}).fetchone()
    return row["supplier_number"] if row else None


def find_vendor(conn: Conn, tenant: str, supplier_number: str) -> str | None:
    """The vendor that was tied to a supplier, or None."""
    values = {"tenant": tenant, "supplier_number": supplier_number}
    row = conn.execute(SQL["vendor_of"], values).fetchone()
    return row["vendor_id"] if row else None


def count_behind(conn: Conn, tenant: str, vendor_id: str) -> int:
    """How many bills wait for this vendor."""
    row = conn.execute(SQL["count_behind"], {"tenant": tenant, "vendor_id": vendor_id}).fetchone()
    return int(row["count"]) if row else 0
