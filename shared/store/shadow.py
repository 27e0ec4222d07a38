"""A tenant's rows copied aside for a dry run: what works on them writes nothing that stays.

The copy lives in temporary tables that carry the real tables' names, on one connection. Everything in
``shared.store`` works on it unchanged, and PostgreSQL itself refuses any write to a real table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.store.pool import Conn, connect, jsonb
from shared.store.queries import load_queries
from shared.store.records import Record, record_of
from shared.store.watermarks import CLAIM_S, Poll

SQL = load_queries("shadow")
_ROWS_AT_ONCE: Final = 200


class Shadow:
    """The copy of one tenant's rows; ``connection`` is always the same one."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn

    @contextmanager
    def connection(self) -> Iterator[Conn]:
        """The connection that sees the copy."""
        yield self._conn

    def take_poll(self, source: str, kind: str) -> Poll | None:
        """One of the tenant's polls, to be walked by us; None where it has no such poll."""
        values = {"source": source, "kind": kind, "claim_s": CLAIM_S}
        row = self._conn.execute(SQL["take_poll"], values).fetchone()
        return Poll(row["tenant"], row["source"], row["kind"], row["claim_token"]) if row else None

    def keep_claim(self, record: Record) -> None:
        """Let our claim of a record outlast any wait."""
        self._conn.execute(SQL["keep_claim"], {"kind": record.kind, "bill_id": record.bill_id})

    def put_line(self, kind: Kind, bill_id: str, line: dict[str, Any]) -> None:
        """Keep what would be written for a record, in place of what was kept before."""
        self._conn.execute(SQL["put_line"], {"kind": kind, "bill_id": bill_id, "line": jsonb(line)})

    def find_line(self, kind: Kind, bill_id: str) -> dict[str, Any] | None:
        """What was kept for a record."""
        row = self._conn.execute(SQL["find_line"], {"kind": kind, "bill_id": bill_id}).fetchone()
        return row["line"] if row else None

    def iterate_lines(self) -> Iterator[DictRow]:
        """Every record as it would stand, vendors first, each with what was kept for it as ``line``."""
        with self._conn.transaction(), self._conn.cursor("lines") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(SQL["lines"])

    def find_vendors(self, supplier_numbers: Sequence[str]) -> list[Record]:
        """The synced vendors that are linked to these suppliers."""
        rows = self._conn.execute(SQL["suppliers"], {"numbers": list(supplier_numbers)})
        return [record_of(row) for row in rows]


@contextmanager
def copy_tenant(dsn: str, tenant: str, *, name: str) -> Iterator[Shadow]:
    """A copy of the tenant's rows for as long as the block runs."""
    with connect(dsn, name=name) as conn:
        conn.execute("SET statement_timeout = '15min'")  # a copy may be large, and nobody waits for it
        conn.execute("SET synchronous_commit = off")  # nothing of it is to survive
        conn.execute(SQL["make_tables"])
        with conn.transaction():  # one snapshot: a worker may finish a record between two copies
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            _copy(conn, {"tenant": tenant})
        conn.execute(SQL["forget_workers"])
        conn.execute(SQL["take_names"])
        yield Shadow(conn)


def _copy(conn: Conn, values: dict[str, str]) -> None:
    conn.execute(SQL["copy_records"], values)
    conn.execute(SQL["copy_visma_index"], values)
    conn.execute(SQL["copy_watermarks"], values)
    conn.execute(SQL["copy_attachments"], values)
    conn.execute(SQL["copy_dead_letters"], values)
