"""Polling BILL loses no record and never stops, whatever its lists do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import BILL_LIST, Books, open_books

pytestmark = pytest.mark.acceptance

LATENCY_S = 1.5
LISTS = {"system": "bill", "method": "GET", "route": r"/v3/bills$"}
OLD_INVOICE = {"invoiceNumber": "A-1", "invoiceDate": "2025-06-01"}
"""Before ``bills_since``: such a bill is heard of, judged and ignored, and costs Visma nothing."""


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled when a test says so, from exactly the watermark."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("walks"), 1)
    opened.apply(poll_overlap_s=0)
    yield opened
    opened.pause()


@pytest.fixture(scope="module")
def vendor_id(books: Books) -> str:
    """The vendor of all bills."""
    return books.create_vendor()


@pytest.fixture(autouse=True)
def no_traps_left(books: Books) -> Iterator[None]:
    """Every test begins behind a whole walk, and takes its traps away."""
    books.walk("bill")
    yield
    books.forget_work()
    books.control.clear_faults()
    books.control.organization_settings(books.organization, equal_updated_time=False)


def enter(books: Books, vendor_id: str, count: int, **fields: Any) -> list[str]:
    """That many old bills; their ids, in the order of their times."""
    bill = seeds.bill(seeds.SWEDEN, vendor_id, "A-1", **{"invoice": OLD_INVOICE, **fields})
    ids: list[str] = books.control.create_many(books.organization, bills=[bill] * count)["bills"]
    return ids


def enter_months_ago(books: Books, vendor_id: str, count: int) -> list[str]:
    """That many old bills that nobody touched since June, behind the watermark."""
    bills = [
        seeds.bill(
            seeds.SWEDEN,
            vendor_id,
            "A-1",
            invoice=OLD_INVOICE,
            updatedTime=f"2026-06-01T{place // 60:02}:{place % 60:02}:00.000+00:00",
        )
        for place in range(count)
    ]
    ids: list[str] = books.control.create_many(books.organization, bills=bills)["bills"]
    return ids


def trap(books: Books, kind: str, **settings: Any) -> None:
    """Spoil the bill lists of this client."""
    books.control.add_fault(kind, tenant=books.organization, **{**LISTS, **settings})


def missed(books: Books, ids: list[str]) -> int:
    """How many of these bills nobody heard of."""
    return len(set(ids) - books.known())


def test_a_record_of_the_boundary_second_is_found(books: Books, vendor_id: str) -> None:
    first = enter(books, vendor_id, 1)
    books.walk("bill")
    books.control.organization_settings(books.organization, equal_updated_time=True)
    second = enter(books, vendor_id, 1)
    assert books.bill(first[0])["updatedTime"] == books.bill(second[0])["updatedTime"]
    books.walk("bill")
    assert missed(books, second) == 0


def test_equal_timestamps_over_page_borders_are_all_found(books: Books, vendor_id: str) -> None:
    books.control.organization_settings(books.organization, equal_updated_time=True)
    ids = enter(books, vendor_id, 230)
    trap(books, "expire_cursor", skip=1)  # from here on only times can lead further, and they are all one
    books.walk("bill")
    assert missed(books, ids) == 0


@pytest.mark.parametrize("way", ["poll", "backfill of months"])
def test_a_record_that_moves_between_pages_hides_no_other(books: Books, vendor_id: str, way: str) -> None:
    ids = enter(books, vendor_id, 150) if way == "poll" else enter_months_ago(books, vendor_id, 150)
    trap(books, "latency", skip=1, seconds=LATENCY_S)
    calls: Json = {"system": "bill", "tenant": books.organization, "route": BILL_LIST}
    before = books.control.count_calls(**calls)

    def edit_during_the_walk() -> None:
        books.control.wait("calls", before + 1, **calls)
        books.change_bill(ids[0], description="moved to the end: the first of page two is now on page one")

    if way == "poll":
        books.poll_now("bill")
        edit_during_the_walk()
        books.walk("bill")
    else:
        done = books.command("sync", books.id, "--since", "2026-05-01")
        assert done.exit_code == 0, done.stderr
        edit_during_the_walk()
        books.until(lambda: missed(books, ids) == 0, lambda: f"{missed(books, ids)} bills were lost")
    assert missed(books, ids) == 0


def test_a_backfill_that_meets_an_error_is_taken_up_again(books: Books, vendor_id: str) -> None:
    ids = enter_months_ago(books, vendor_id, 120)
    trap(books, "status", skip=1, status=500)
    assert books.command("sync", books.id, "--since", "2026-05-01").exit_code == 0
    books.until(lambda: missed(books, ids) == 0, lambda: f"{missed(books, ids)} bills were lost")


def test_an_empty_page_with_a_next_one_is_no_end(books: Books, vendor_id: str) -> None:
    ids = enter(books, vendor_id, 3)
    trap(books, "empty_page")
    books.walk("bill")
    assert missed(books, ids) == 0


def test_a_repeated_cursor_neither_loses_nor_loops(books: Books, vendor_id: str) -> None:
    ids = enter(books, vendor_id, 120)
    trap(books, "empty_page", times=2)
    books.walk("bill")
    assert missed(books, ids) == 0


def test_an_expired_cursor_goes_on_by_time(books: Books, vendor_id: str) -> None:
    ids = enter(books, vendor_id, 150)
    trap(books, "expire_cursor", skip=1)
    books.walk("bill")
    assert missed(books, ids) == 0


def test_a_timestamp_in_the_far_future_hides_nothing_after_it(books: Books, vendor_id: str) -> None:
    [ahead] = enter(books, vendor_id, 1, updatedTime="2036-01-01T00:00:00.000+00:00")
    books.walk("bill")
    assert missed(books, [ahead]) == 0
    later = enter(books, vendor_id, 2)
    books.change_bill(ahead, invoice={"invoiceNumber": "A-2"})
    assert books.bill(ahead)["updatedTime"] < "2036"
    books.walk("bill")
    assert missed(books, later) == 0
    row = books.record("bill", ahead)
    assert row is not None and row["label"] == "A-2"


def test_the_watermark_waits_for_the_whole_walk_and_never_goes_back(books: Books, vendor_id: str) -> None:
    first, *_ = (row["position"] for row in books.watermarks("bill") if row["kind"] == "bill")
    ids = enter(books, vendor_id, 150)
    trap(books, "status", skip=1, times=None, status=500)
    books.poll_now("bill")
    books.until(lambda: any(row["last_error"] for row in books.watermarks("bill")), "the walk breaks off")
    [broken] = [row for row in books.watermarks("bill") if row["kind"] == "bill"]
    assert broken["position"] == first
    assert 0 < missed(books, ids) < 150  # the first page is stored, the second is not
    books.control.clear_faults()
    books.walk("bill")
    assert missed(books, ids) == 0
    [whole] = [row for row in books.watermarks("bill") if row["kind"] == "bill"]
    assert whole["position"] > first
    books.walk("bill")
    assert [row["position"] for row in books.watermarks("bill") if row["kind"] == "bill"] == [
        whole["position"]
    ]


def test_no_record_was_read_a_second_time(books: Books) -> None:
    calls = books.calls()
    assert calls.pop("GET /v3/bills") > 20
    assert [call for call in calls if call.startswith("GET /v3/bills")] == []
