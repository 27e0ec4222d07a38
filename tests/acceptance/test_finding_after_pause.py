"""After a pause of hours everything is caught up: nothing lost, nothing doubled, nothing done meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from deploy.sandbox import seeds
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, bill_line, open_books
from tests.acceptance.test_ledger_day import find_differences

pytestmark = pytest.mark.acceptance

HOURS_S = 3 * 3600.0


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second; three hours ago."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("pause"), 31)
    opened.control.advance_clock(-HOURS_S)
    opened.apply(poll_interval_s=1)
    yield opened
    opened.control.reset_clock()
    opened.pause()


def test_a_pause_of_hours_ends_in_a_clean_catch_up(books: Books) -> None:
    vendors = [books.create_vendor(place) for place in range(3)]
    ids = [books.create_bill(vendors[place % 3], f"P-{place}") for place in range(12)]
    waiting = books.create_bill(vendors[0], "P-w", approvalStatus="ASSIGNED")
    books.expect_all("bill", ids, "synced")
    books.expect_all("bill", [waiting], "waiting")

    assert books.command("tenant", "pause", books.id).exit_code == 0
    books.control.reset_clock()  # three hours have passed, and every session and token is over
    before = books.control.visma_log(books.company)
    work_on_in_bill(books, vendors, ids, waiting)
    assert books.control.visma_log(books.company) == before

    assert books.command("tenant", "resume", books.id).exit_code == 0
    for source in ("bill", "waiting", "visma"):
        books.walk(source)
    books.quiet()
    books.until(lambda: not find_differences(books), lambda: f"{find_differences(books)}")
    assert books.ask("records", "list", books.id, "--state", "dead") == []


def work_on_in_bill(books: Books, vendors: list[str], ids: list[str], waiting: str) -> None:
    """What people do meanwhile: enter, correct, approve, delete and rename."""
    new = books.create_vendor(4)
    bills = [seeds.bill(seeds.SWEDEN, new, f"Q-{place}") for place in range(5)]
    books.control.create_many(books.organization, bills=bills)
    books.control.approve_bill(books.organization, waiting)
    for bill_id in ids[:4]:
        books.change_line(bill_id, amount=Decimal("333.00"))
    books.change_bill(ids[1], billLineItems=[bill_line("12.00")])
    books.control.archive_bill(books.organization, ids[5])
    books.control.archive_bill(books.organization, ids[6])
    books.control.restore_bill(books.organization, ids[6])
    books.control.withdraw_approval(books.organization, ids[7])
    books.change_bill(ids[8], vendorId=vendors[2])
    books.control.change_vendor(books.organization, vendors[0], name="Nya namnet AB")
