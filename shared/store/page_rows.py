"""What a list page tells that the records table already has, as most of most polls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("records")


def leave_out_unchanged(conn: Conn, tenant: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parameters of ``make_due`` that may change something; for the others it would write a row anew.

    Only whole records are compared, and only with rows that have no work left: whatever is heard of a
    row meanwhile makes it due by itself.
    """
    times = Counter(map(_key, rows))
    known = [
        row
        for row in rows
        if row["whole"] and row["updated_at"] is not None and not row["forced"] and times[_key(row)] == 1
    ]
    if not known:
        return list(rows)
    kinds, bill_ids = ({row[name] for row in known} for name in ("kind", "bill_id"))
    values = {"tenant": tenant, "kinds": sorted(kinds), "bill_ids": sorted(bill_ids)}
    # Planned each time: a plan made while the table was small would read all of it for every page.
    found = conn.execute(SQL["find_settled"], values, prepare=False)
    settled = {_key(row): (row["content_digest"], row["content_at"]) for row in found}
    same = {_key(row) for row in known if settled.get(_key(row)) == (row["digest"], row["updated_at"])}
    return [row for row in rows if _key(row) not in same]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["kind"], row["bill_id"]
