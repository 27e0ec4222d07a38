"""A bill that waits for its vendor is never forgotten, however the two meet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest

from shared.clock import utc_now
from shared.store import records
from shared.store.pool import Conn, Pool, make_pool
from shared.store.records import Record
from shared.store.visma_index import SUPPLIER_TYPE
from tests.integration.conftest import Connect
from tests.support.rows import T1, TENANT, claim, due, find, page_row
from tests.support.tenants import tenant_config
from workers.sync.outcome import written
from workers.sync.settle import park_behind_vendor, settle
from workers.sync.work import Work

pytestmark = pytest.mark.integration


@pytest.fixture
def pool(empty_dsn: str) -> Iterator[Pool]:
    with make_pool(empty_dsn, name="test", max_size=2) as pool:
        yield pool


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
def pair(conn: Conn) -> tuple[Record, Record]:
    """A vendor and its bill, both claimed."""
    records.make_due(conn, TENANT, [page_row("v", T1)])
    records.make_due(conn, TENANT, [page_row("b", T1, kind="bill", vendor_id="v")])
    return claim(conn, "v"), claim(conn, "b", "bill")


def work_on(pool: Pool, record: Record) -> Work:
    """The work on a record, of which settling needs no more than the database."""
    nothing = cast("Any", None)
    return Work(tenant_config(), record, pool, nothing, nothing, nothing, nothing, utc_now)


def settle_vendor(pool: Pool, vendor: Record) -> list[str]:
    outcome = written(vendor, "created", version=T1, body={}, etag="e", number=(SUPPLIER_TYPE, "50001"))
    return [one.bill_id for one in settle(work_on(pool, vendor), outcome, actor="test", task_id=None)]


def park_bill(pool: Pool, bill: Record) -> bool:
    return park_behind_vendor(work_on(pool, bill), "vendor v goes first")


def may_be_claimed(conn: Conn) -> bool:
    return records.claim(conn, due("b", "bill")) is not None


def test_parked_first_then_freed(conn: Conn, pool: Pool, pair: tuple[Record, Record]) -> None:
    vendor, bill = pair
    assert not park_bill(pool, bill)
    assert not may_be_claimed(conn)
    assert settle_vendor(pool, vendor) == ["b"]
    assert may_be_claimed(conn)


def test_settled_first_then_not_parked_at_all(conn: Conn, pool: Pool, pair: tuple[Record, Record]) -> None:
    vendor, bill = pair
    assert settle_vendor(pool, vendor) == []
    assert park_bill(pool, bill), "the bill goes on at once"
    assert [one.bill_id for one in records.take_due(conn, TENANT, most=6, again_s=60)] == ["b"]
    assert may_be_claimed(conn)


def test_the_vendor_is_settled_while_the_bill_is_being_parked(
    conn: Conn, pool: Pool, pair: tuple[Record, Record], thread: ThreadPoolExecutor, connect_again: Connect
) -> None:
    vendor, bill = pair
    slow = connect_again()
    with slow.transaction():  # the bill has looked, and has not parked yet
        records.find(slow, TENANT, "vendor", "v", lock=True)
        settled = thread.submit(settle_vendor, pool, vendor)
        wait_blocked(conn, by=slow, future=settled)
        records.park(slow, bill, records.Parking(60, "vendor first", "vendor_first"))
    assert settled.result(10) == ["b"]
    assert may_be_claimed(conn)


def test_the_bill_is_parked_while_the_vendor_is_being_settled(
    conn: Conn, pool: Pool, pair: tuple[Record, Record], thread: ThreadPoolExecutor, connect_again: Connect
) -> None:
    vendor, bill = pair
    slow = connect_again()
    with slow.transaction():  # the vendor is finished, and has freed nobody: the bill is not parked yet
        finish = records.Finish("synced", visma_type=SUPPLIER_TYPE, visma_number="50001", version=T1)
        records.finish(slow, vendor, finish)
        assert records.free_bills(slow, TENANT, "v", synced=True) == []
        parked = thread.submit(park_bill, pool, bill)
        wait_blocked(conn, by=slow, future=parked)
    assert parked.result(10), "it sees the vendor settled, and goes on at once"
    assert may_be_claimed(conn)
    assert find(conn, "b", "bill").attempts == 1, "a claim that led nowhere was no attempt"


def wait_blocked(conn: Conn, *, by: Conn, future: Future[Any], within_s: float = 10) -> None:
    """Wait until a connection waits for the transaction of ``by``."""
    until = time.monotonic() + within_s
    query = b"SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    while not conn.execute(query, (by.info.backend_pid,)).fetchall():
        assert not future.done(), "it did not wait"
        assert time.monotonic() < until, "nobody waits"
