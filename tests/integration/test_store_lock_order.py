"""Whoever locks several rows at once never waits for another who waits for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from shared.bill.models import Kind
from shared.store import events, records
from shared.store.events import Event
from shared.store.pool import Conn
from shared.store.records import Heard
from tests.integration.conftest import Connect
from tests.support.rows import TENANT

pytestmark = pytest.mark.integration

ROWS = 60
ROUNDS = 40
Job = Callable[[Conn, int], object]


def listen(conn: Conn, turn: int) -> None:
    """Hear of vendors and bills in an order that changes."""
    kinds: tuple[Kind, Kind] = ("vendor", "bill")
    heard = [
        Heard(kind, f"{place:03}", forced=True, vendor_id="000") for kind in kinds for place in range(ROWS)
    ]
    records.make_due(conn, TENANT, heard if turn % 2 else reversed(heard))


def dispatch(conn: Conn, turn: int) -> None:
    """Take what is due, as ticks do."""
    records.take_due(conn, TENANT, most=10 * ROWS, again_s=0)


def free(conn: Conn, turn: int) -> None:
    """Settle a vendor: its own row first, then the bills that waited for it."""
    with conn.transaction():
        conn.execute("SELECT FROM records WHERE kind = 'vendor' AND bill_id = '000' FOR UPDATE")
        records.free_bills(conn, TENANT, "000", synced=True)


def wake(conn: Conn, turn: int) -> None:
    """Wake all that waits for one thing."""
    records.wake_all(conn, TENANT)


def insert(conn: Conn, turn: int) -> None:
    """Insert the same events as the other, in an order that changes."""
    now = datetime.now(UTC)
    batch = [
        Event(TENANT, f"{turn // 2}-{place}", "bill.updated", "bill", "b", b"{}", now)
        for place in range(ROWS)
    ]
    with conn.transaction():
        events.add_events(conn, batch if turn % 2 else list(reversed(batch)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (listen, listen),
        (listen, dispatch),
        (listen, free),
        (listen, wake),
        (wake, dispatch),
        (insert, insert),
    ],
)
def test_two_at_once_never_wait_for_each_other(
    conn: Conn, connect_again: Connect, one: Job, other: Job
) -> None:
    listen(conn, 0)
    conn.execute("UPDATE records SET reason = 'vendor_first' WHERE kind = 'bill'")
    together = Barrier(2)

    def work(job: Job, first: int, own: Conn) -> None:
        for turn in range(ROUNDS):
            together.wait(timeout=30)
            job(own, 2 * turn + first if job is not insert else 2 * turn + (turn + first) % 2)

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(work, job, first, connect_again()) for first, job in enumerate((one, other))]
        for job in jobs:
            job.result(timeout=60)
