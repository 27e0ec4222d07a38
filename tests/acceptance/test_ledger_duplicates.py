"""Nothing is entered twice: what surely is a bill is adopted, what may be it is held."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, open_books

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("duplicates"), 11, subscribed=True)
    opened.apply(poll_interval_s=1)
    yield opened
    opened.pause()


@pytest.fixture(scope="module")
def vendor_id(books: Books) -> str:
    """A vendor that is in Visma."""
    return books.sync_vendor()


@pytest.fixture(scope="module")
def supplier(books: Books, vendor_id: str) -> str:
    """Its supplier's number."""
    return str(books.supplier_of(vendor_id)["number"])


def test_what_people_entered_before_is_adopted_or_held_and_nothing_is_written(
    books: Books, vendor_id: str, supplier: str
) -> None:
    same = books.enter_invoice(supplier, " e-1 ", "1250.00")
    books.enter_invoice(supplier, "E-2", "999.00")
    books.enter_invoice(supplier, "E-3", "1250.00", note="BILL:00nOFSOMEBODYELSE001")
    books.enter_invoice(supplier, "E-4", "1250.00")
    books.enter_invoice(supplier, "E-4", "1250.00")
    voided = books.enter_invoice(supplier, "E-5", "1250.00", hold=False)
    books.control.release_invoice(books.company, voided)
    books.control.void_invoice(books.company, voided)
    books.walk("visma")
    before = books.our_effects()
    ids = [books.create_bill(vendor_id, f"E-{number}") for number in range(1, 6)]
    books.expect(
        {
            ("bill", ids[0]): ("synced", None),
            ("bill", ids[1]): ("held", "duplicate_reference"),
            ("bill", ids[2]): ("held", "duplicate_reference"),
            ("bill", ids[3]): ("held", "duplicate_reference"),
            ("bill", ids[4]): ("synced", None),
        }
    )
    row = books.record("bill", ids[0])
    assert row is not None and row["visma_number"] == same
    assert "999" in books.detail("bill", ids[1])
    assert books.our_effects() == [*before, ("created", "supplierInvoice")]  # of E-5 alone

    history = books.ask("records", "show", books.id, "bill", ids[0])["history"]
    assert [entry["action"] for entry in history] == ["adopted"]
    books.change_line(ids[0], amount=Decimal("1300.00"))
    books.expect({("bill", ids[0]): ("held", "adopted_changed")})
    assert books.our_effects() == [*before, ("created", "supplierInvoice")]


def test_two_bills_with_one_number_stay_two(books: Books, vendor_id: str) -> None:
    ids = [books.create_bill(vendor_id, "T-1", amount) for amount in ("1250.00", "1250.00", "80.00")]
    books.expect_all("bill", ids, "synced")
    assert len({books.invoice_of(each)["referenceNumber"] for each in ids}) == 3


def test_what_stood_in_the_way_goes_and_the_bill_follows(books: Books, vendor_id: str, supplier: str) -> None:
    rival = books.enter_invoice(supplier, "R-1", "10.00")
    books.walk("visma")
    bill_id = books.create_bill(vendor_id, "R-1")
    books.expect({("bill", bill_id): ("held", "duplicate_reference")})
    books.control.delete_invoice(books.company, rival)
    books.settle("bill", bill_id)
    assert books.invoice_of(bill_id)["amount"] == 1250


def test_nothing_is_adopted_where_that_is_not_wanted(books: Books, vendor_id: str, supplier: str) -> None:
    books.apply_file(poll_interval_s=1, adopt_existing=False)
    books.enter_invoice(supplier, "X-1", "1250.00")
    books.walk("visma")
    bill_id = books.create_bill(vendor_id, "X-1")
    books.expect({("bill", bill_id): ("held", "duplicate_reference")})
    books.apply_file(poll_interval_s=1)
    books.settle("bill", bill_id)
