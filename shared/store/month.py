"""What our tables know of one month's bills: which there are, what became of each, what is whose in Visma."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from psycopg.rows import DictRow

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("month")

Key = tuple[str, str]
"""A document's type and number in Visma."""


def list_bill_ids(conn: Conn, tenant: str, month: date) -> list[str]:
    """Bills dated in the month of this day, as far as we know; and those of which we know nothing."""
    name = f"{month:%Y-%m}"
    values = {"tenant": tenant, "prefix": f"{name}-%", "pattern": rf'"invoiceDate"\s*:\s*"{name}-'}
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = 0")  # every bill is looked at: a month-end may wait
        return [row["bill_id"] for row in conn.execute(SQL["bills_of_month"], values)]


def list_known(conn: Conn, tenant: str, bill_ids: Collection[str]) -> list[DictRow]:
    """State, reason, detail, document and what was written, of these bills as far as there are rows."""
    return conn.execute(SQL["known"], {"tenant": tenant, "bill_ids": list(bill_ids)}).fetchall()


def find_owners(conn: Conn, tenant: str, keys: Iterable[Key]) -> dict[Key, str]:
    """Which of these documents belong to a bill by our rows."""
    wanted = list(keys)
    values = {"types": [key[0] for key in wanted], "numbers": [key[1] for key in wanted]}
    found = conn.execute(SQL["owners"], {"tenant": tenant, **values})
    return {(row["visma_type"], row["visma_number"]): row["bill_id"] for row in found}


def find_supplier_numbers(conn: Conn, tenant: str, vendor_ids: Collection[str]) -> dict[str, str]:
    """The suppliers that these vendors are linked to."""
    found = conn.execute(SQL["supplier_numbers"], {"tenant": tenant, "vendor_ids": list(vendor_ids)})
    return {row["bill_id"]: row["visma_number"] for row in found}


def list_marked(conn: Conn, tenant: str, bill_ids: Collection[str]) -> list[Key]:
    """Documents that carried the marker of one of these bills when Visma's list last showed them."""
    found = conn.execute(SQL["marked"], {"tenant": tenant, "bill_ids": list(bill_ids)})
    return [(row["visma_type"], row["number"]) for row in found]


def find_supplier_names(conn: Conn, tenant: str, numbers: Collection[str]) -> dict[str, str]:
    """Names of suppliers as Visma's list last showed them."""
    found = conn.execute(SQL["supplier_names"], {"tenant": tenant, "numbers": list(numbers)})
    return {row["number"]: row["name"] for row in found}
