"""Rows of the records table, brought into the state that a test begins with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from shared import jsontext
from shared.bill.models import Kind
from shared.store import records, tenants
from shared.store.pool import Conn
from shared.store.records import Due, Finish, Heard, Record, Urgency
from tests.support.tenants import tenant_config

T = TypeVar("T")

TENANT = "acme"
T0, T1, T2, T3 = (datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(hours=hour) for hour in range(4))


def add_tenant(conn: Conn, tenant: str = TENANT, **tables: Any) -> None:
    """A tenant of that name with default settings."""
    tenants.apply_tenant(conn, tenant_config(tenant, tables))


def due(bill_id: str, kind: Kind = "vendor", tenant: str = TENANT) -> Due:
    """The row as a dispatcher names it."""
    return Due(tenant, kind, bill_id, Urgency.WEBHOOK)


def page_row(bill_id: str, at: datetime | None, text: str = "A", kind: Kind = "vendor", **more: Any) -> Heard:
    """What a list page tells: the whole record, changed at ``at``; ``text`` stands for its content."""
    content = jsontext.dumps({"id": bill_id, "name": text}).encode()
    return replace(Heard(kind, bill_id, at, content, urgency=Urgency.POLL), **more)


def claim(conn: Conn, bill_id: str, kind: Kind = "vendor", tenant: str = TENANT) -> Record:
    """Claim a row that must be there to be claimed."""
    found = records.claim(conn, due(bill_id, kind, tenant))
    assert found is not None
    return found


def find(conn: Conn, bill_id: str, kind: Kind = "vendor", tenant: str = TENANT) -> Record:
    """A row that must be there."""
    found = records.find(conn, tenant, kind, bill_id)
    assert found is not None
    return found


def add_synced(conn: Conn, bill_id: str, at: datetime = T1, text: str = "A", kind: Kind = "vendor") -> Record:
    """A row that is true: read from a list page, synced, nothing left to do."""
    records.make_due(conn, TENANT, [page_row(bill_id, at, text, kind)])
    record = claim(conn, bill_id, kind)
    number = f"{'5' if kind == 'vendor' else 'F'}{bill_id}"
    visma_type = "Supplier" if kind == "vendor" else "Invoice"
    finish = Finish("synced", visma_type=visma_type, visma_number=number, body={}, version=at)
    assert not records.finish(conn, record, finish)
    return find(conn, bill_id, kind)


def change(conn: Conn, bill_id: str, assignment: str) -> None:
    """Set columns of a row by hand, such as a time that lies in the past."""
    statement = f"UPDATE records SET {assignment} WHERE bill_id = %s"  # noqa: S608 - the test's own words
    done = conn.execute(statement.encode(), (bill_id,))
    assert done.rowcount == 1


def expire_claim(conn: Conn, bill_id: str) -> None:
    """Let a claim run out."""
    change(conn, bill_id, "claim_expires_at = now() - interval '1 second'")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run calls at the same moment, each in a thread of its own; what they returned."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
