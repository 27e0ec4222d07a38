"""What finding costs, counted: list calls only, a hundred records each.

``FINDING_RECORDS=10000`` is the full size; the usual run is smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from deploy.sandbox import seeds
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, open_books
from tests.acceptance.firm import difference
from tests.conftest import ENVIRON

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

RECORDS = int(ENVIRON.get("FINDING_RECORDS", "1500"))
PATIENCE_S = 30.0 + RECORDS / 20
PAGE = 100
NEW = 60
OVERLAP_DAYS = 20
"""So far back every poll lists all records."""


@pytest.fixture
def books(
    stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Books]:
    """A client for each test, polled when that says so, from exactly the watermark."""
    number = 30 if "unchanged" in request.node.name else 32
    opened = open_books(stage, conn, tmp_path_factory.mktemp("costs"), number)
    opened.apply(poll_overlap_s=0)
    yield opened
    opened.pause()


def test_new_and_changed_bills_found_by_polling_cost_next_to_nothing(books: Books) -> None:
    vendor_id = books.create_vendor()
    books.walk("bill")
    books.settle("vendor", vendor_id)
    books.create_bill(vendor_id, "N-0")
    books.walk("bill")
    books.quiet()

    before = books.calls()
    bills = [seeds.bill(seeds.SWEDEN, vendor_id, f"N-{place}") for place in range(1, NEW + 1)]
    ids = books.control.create_many(books.organization, bills=bills)["bills"]
    books.walk("bill")
    books.expect_all("bill", ids, "synced")
    spent = difference(before, books.calls())
    assert len(books.invoices()) == NEW + 1
    assert bill_calls(spent) == {"GET /v3/bills": polls(spent), "GET /v3/vendors": polls(spent)}
    assert visma_calls(spent) <= 2 * NEW, spent

    before = books.calls()
    for bill_id in ids[: NEW // 2]:
        books.change_line(bill_id, amount=Decimal("77.00"))
    books.walk("bill")
    books.quiet()
    changed = [one for one in books.invoices() if one["amount"] == 77]
    spent = difference(before, books.calls())
    assert len(changed) == NEW // 2
    assert "GET /v3/bills/{id}" not in spent
    assert visma_calls(spent) <= 2 * (NEW // 2), spent


def test_a_poll_over_unchanged_records_is_a_list_call_a_hundred(books: Books) -> None:
    vendor_id = books.create_vendor()
    long_ago = datetime.now(UTC) - timedelta(days=OVERLAP_DAYS / 2)
    bills = [
        seeds.bill(
            seeds.SWEDEN,
            vendor_id,
            f"U-{place}",
            invoice={"invoiceNumber": f"U-{place}", "invoiceDate": "2025-06-01"},
            updatedTime=(long_ago + timedelta(seconds=place)).isoformat(timespec="milliseconds"),
        )
        for place in range(RECORDS)
    ]
    books.apply(poll_overlap_s=OVERLAP_DAYS * 86_400)
    for start in range(0, RECORDS, 1000):
        books.control.create_many(books.organization, bills=bills[start : start + 1000])
    books.walk("bill", PATIENCE_S)
    books.forget_work()
    books.quiet(PATIENCE_S)
    books.rest()
    assert len(books.known()) == RECORDS
    wanted = count_wanted(books)

    before = books.calls()
    books.conn.execute(
        "UPDATE watermarks SET next_poll_at = now() WHERE tenant = %s AND source = 'bill' AND kind = 'bill'",
        (books.id,),
    )
    books.rest()
    assert difference(before, books.calls()) == {"GET /v3/bills": -(-RECORDS // PAGE)}
    assert count_wanted(books) == wanted, "nothing became due"


def bill_calls(spent: dict[str, int]) -> dict[str, int]:
    """Calls to BILL."""
    return {call: count for call, count in spent.items() if "/v3/" in call}


def visma_calls(spent: dict[str, int]) -> int:
    """Calls to Visma about suppliers and supplier invoices."""
    return sum(count for call, count in spent.items() if "/v1/" in call)


def polls(spent: dict[str, int]) -> int:
    """How many walks were begun, each of one page: ``walk`` may have asked for more than one."""
    return spent.get("GET /v3/vendors", 1)


def count_wanted(books: Books) -> int:
    """How much work was ever wanted."""
    row = books.conn.execute(
        "SELECT sum(wanted) AS wanted FROM records WHERE tenant = %s", (books.id,)
    ).fetchone()
    return int(row["wanted"]) if row else 0
