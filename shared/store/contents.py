"""What the records table keeps of BILL's own JSON, read a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

from shared.bill.models import Kind
from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("contents")
_ROWS_AT_ONCE = 200


def iterate_bills(conn: Conn, tenant: str) -> Iterator[bytes]:
    """BILL's JSON of every whole bill of a tenant that is not ignored, in one snapshot."""
    with conn.transaction(), conn.cursor("contents") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        for row in cursor.execute(SQL["bills"], {"tenant": tenant}):
            yield bytes(row["content"])


def find_created_kinds(conn: Conn, tenant: str) -> set[Kind]:
    """Of which kinds Visma has numbered something that we created."""
    return {row["kind"] for row in conn.execute(SQL["created_kinds"], {"tenant": tenant})}
