"""What changes in BILL without a word and without moving ``updatedTime`` is found all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import BILL_LIST, Books, open_books

pytestmark = pytest.mark.acceptance

WAITING = 120


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second; approvals leave ``updatedTime`` alone."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("waiting"), 2)
    opened.control.organization_settings(opened.organization, approval_bumps_updated_time=False)
    opened.apply(poll_interval_s=1, poll_overlap_s=0)
    yield opened
    opened.pause()


def test_an_approval_that_moves_nothing_is_found_in_batches_of_a_hundred(books: Books) -> None:
    vendor_id = books.create_vendor()
    bill = seeds.bill(seeds.SWEDEN, vendor_id, "W-1", approvalStatus="ASSIGNED")
    ids = books.control.create_many(books.organization, bills=[bill] * WAITING)["bills"]
    books.expect_all("bill", ids, "waiting")
    before = books.bill(ids[7])["updatedTime"]
    books.control.approve_bill(books.organization, ids[7])
    assert books.bill(ids[7])["updatedTime"] == before

    books.settle("bill", ids[7])
    assert books.invoice_of(ids[7])["supplierReference"] == "W-1"
    assert len(books.invoices()) == 1
    sizes = {call["query"]["filters"].count(",") + 1 for call in recent_reads(books) if is_by_id(call)}
    assert 100 in sizes and max(sizes) == 100, sizes
    assert "GET /v3/bills/{id}" not in books.calls()


def test_a_sweep_heals_what_no_poll_can_see(books: Books) -> None:
    vendor_id = books.create_vendor(1)
    bill_id = books.sync_bill(vendor_id, "W-2")
    books.sync_bill(vendor_id, "W-3")  # the watermark is past the first one now
    books.walk("bill")
    books.control.withdraw_approval(books.organization, bill_id)
    books.walk("bill")
    books.walk("waiting")
    books.quiet()
    assert books.invoice_of(bill_id)["hold"] is False  # nothing told of it, and it is in no poll's window

    books.apply(poll_interval_s=1, poll_overlap_s=0, sweep_interval_s=1)
    books.settle("bill", bill_id, "waiting")
    assert books.invoice_of(bill_id)["hold"] is True


def recent_reads(books: Books) -> list[Json]:
    """The last reads of BILL's list of bills."""
    return [
        call
        for call in books.control.recent_calls()
        if call["tenant"] == books.organization and call["path"] == BILL_LIST
    ]


def is_by_id(call: Json) -> bool:
    """Whether a list was asked for named bills."""
    return str(call["query"].get("filters", "")).startswith("id:in:")
