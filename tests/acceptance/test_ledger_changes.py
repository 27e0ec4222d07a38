"""What a change in BILL does to a supplier invoice that stands in Visma already."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, bill_line, open_books

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("changes"), 13, subscribed=True)
    opened.apply(poll_interval_s=1)
    yield opened
    opened.pause()


@pytest.fixture(scope="module")
def vendors(books: Books) -> list[str]:
    """Two vendors that are in Visma."""
    return [books.sync_vendor(place) for place in range(2)]


@pytest.fixture
def bill_id(books: Books, vendors: list[str], request: pytest.FixtureRequest) -> str:
    """A bill of two lines that is in Visma."""
    lines = [bill_line("100.00"), bill_line("50.00", "5010")]
    return books.sync_bill(vendors[0], request.node.name[-30:], billLineItems=lines)


def lines_of(invoice: Json) -> list[tuple[str, Decimal, str]]:
    """Text, amount and account of each line."""
    return [
        (line["transactionDescription"], line["costInCurrency"], line["account"]["number"])
        for line in invoice["invoiceLines"]
    ]


def recode(books: Books, bill_id: str, line: int, **fields: Any) -> str:
    """A person changes a line in Visma; the document's number."""
    number = str(books.invoice_of(bill_id)["referenceNumber"])
    change = {"operation": "Update", "lineNumber": line, **fields}
    books.control.change_invoice(books.company, number, invoiceLines=[change])
    return number


def replace_lines(books: Books, bill_id: str, *lines: Json) -> None:
    """Someone gives the bill other lines in BILL; one with the id of an old line changes that."""
    whole = books.bill(bill_id)
    kept = {name: whole[name] for name in ("vendorId", "dueDate", "invoice")}
    books.change_bill(bill_id, replace=True, **kept, billLineItems=list(lines))


def test_lines_are_changed_added_and_taken_away_one_by_one(books: Books, bill_id: str) -> None:
    number = books.invoice_of(bill_id)["referenceNumber"]
    first, second = books.bill(bill_id)["billLineItems"]
    replace_lines(books, bill_id, {**first, "amount": Decimal("110.00")}, second, bill_line("7.50"))
    books.until(lambda: len(books.invoice_of(bill_id)["invoiceLines"]) == 3, "a third line")
    invoice = books.invoice_of(bill_id)
    assert invoice["referenceNumber"] == number
    assert lines_of(invoice) == [
        ("Rad 100.00", Decimal(110), "4000"),
        ("Rad 50.00", Decimal(50), "5010"),
        ("Rad 7.50", Decimal("7.50"), "4000"),
    ]
    replace_lines(books, bill_id, {**first, "amount": Decimal("110.00")})
    books.until(lambda: len(books.invoice_of(bill_id)["invoiceLines"]) == 1, "one line")
    assert books.invoice_of(bill_id)["amount"] == 110


def test_what_a_person_recoded_stays(books: Books, bill_id: str) -> None:
    recode(books, bill_id, 1, accountNumber="5410", transactionDescription="Konterat av Anna")
    books.change_line(bill_id, 1, amount=Decimal("55.00"))
    books.until(lambda: books.invoice_of(bill_id)["amount"] == 155, "the new amount")
    assert lines_of(books.invoice_of(bill_id)) == [
        ("Konterat av Anna", Decimal(100), "5410"),
        ("Rad 50.00", Decimal(55), "5010"),
    ]


def test_a_field_that_both_changed_is_a_persons_to_decide(books: Books, bill_id: str) -> None:
    recode(books, bill_id, 1, transactionDescription="Konterat av Anna")
    books.change_line(bill_id, 0, description="Rättad i BILL")
    books.expect({("bill", bill_id): ("held", "edited_in_visma")})
    assert "Konterat av Anna" in books.detail("bill", bill_id)
    assert lines_of(books.invoice_of(bill_id))[0][0] == "Konterat av Anna"
    recode(books, bill_id, 1, transactionDescription="Rättad i BILL")
    books.settle("bill", bill_id)


def test_a_line_that_a_person_added_is_never_doubled_nor_lost(books: Books, bill_id: str) -> None:
    number = books.invoice_of(bill_id)["referenceNumber"]
    extra = {"operation": "Insert", "quantity": 1, "unitCostInCurrency": 5, "accountNumber": "4000"}
    books.control.change_invoice(books.company, number, invoiceLines=[{**extra, "vatCodeId": "25"}])
    books.change_line(bill_id, 0, amount=Decimal("90.00"))
    books.expect({("bill", bill_id): ("held", "edited_in_visma")})
    assert len(books.invoice_of(bill_id)["invoiceLines"]) == 3


def test_another_vendor_or_another_sign_moves_the_document(
    books: Books, vendors: list[str], bill_id: str
) -> None:
    old = books.invoice_of(bill_id)
    books.change_bill(bill_id, vendorId=vendors[1])
    target = books.supplier_of(vendors[1])["number"]
    books.until(
        lambda: {one["supplier"]["number"] for one in books.invoices_of(bill_id)} == {target}, "moved"
    )
    moved = books.invoice_of(bill_id)
    assert moved["referenceNumber"] != old["referenceNumber"] and moved["amount"] == old["amount"]

    books.settle("bill", bill_id)
    books.change_line(bill_id, 0, amount=Decimal("-500.00"))
    books.until(lambda: {one["documentType"] for one in books.invoices_of(bill_id)} == {"DebitAdj"}, "turned")
    assert books.invoice_of(bill_id)["amount"] == 450


def test_a_released_document_is_never_touched_and_the_difference_is_told(
    books: Books, vendors: list[str], bill_id: str
) -> None:
    before = books.invoice_of(bill_id)
    books.control.release_invoice(books.company, before["referenceNumber"])
    books.change_bill(bill_id, dueDate="2026-12-15")
    books.change_line(bill_id, 0, amount=Decimal("120.00"))
    books.expect({("bill", bill_id): ("held", "invoice_released")})
    detail = books.detail("bill", bill_id)
    for told in ("2026-12-15", "2026-11-30", "170", "150"):
        assert told in detail, detail
    after = books.invoice_of(bill_id)
    assert (after["amount"], after["dueDate"]) == (before["amount"], before["dueDate"])

    books.change_bill(bill_id, dueDate="2026-11-30")
    books.change_line(bill_id, 0, amount=Decimal("100.00"))
    books.settle("bill", bill_id)


@pytest.mark.parametrize("decision", ["withdraw_approval", "deny_bill"])
def test_without_approval_the_document_waits_on_hold(books: Books, bill_id: str, decision: str) -> None:
    getattr(books.control, decision)(books.organization, bill_id)
    books.until(lambda: books.invoice_of(bill_id)["hold"], "on hold")
    books.settle("bill", bill_id, "waiting")
    books.control.approve_bill(books.organization, bill_id)
    books.settle("bill", bill_id)
    assert books.invoice_of(bill_id)["hold"] is False


def test_a_withdrawn_approval_of_a_released_document_is_told(books: Books, bill_id: str) -> None:
    books.control.release_invoice(books.company, books.invoice_of(bill_id)["referenceNumber"])
    books.control.withdraw_approval(books.organization, bill_id)
    books.expect({("bill", bill_id): ("held", "invoice_released")})


def test_an_archived_bill_takes_its_document_along_and_brings_it_back(books: Books, bill_id: str) -> None:
    number = books.invoice_of(bill_id)["referenceNumber"]
    books.control.archive_bill(books.organization, bill_id)
    books.settle("bill", bill_id, "ignored")
    assert books.invoices_of(bill_id) == []
    books.control.restore_bill(books.organization, bill_id)
    books.settle("bill", bill_id)
    assert books.invoice_of(bill_id)["referenceNumber"] != number


@pytest.mark.parametrize(("status", "released"), [("PAID", False), ("SCHEDULED", False), ("UNPAID", True)])
def test_an_archived_bill_that_is_paid_or_released_is_a_persons_to_decide(
    books: Books, bill_id: str, status: str, released: bool
) -> None:
    if released:
        books.control.release_invoice(books.company, books.invoice_of(bill_id)["referenceNumber"])
    else:
        books.control.pay_bill(books.organization, bill_id, status)
    books.control.archive_bill(books.organization, bill_id)
    books.expect({("bill", bill_id): ("held", "invoice_released" if released else "archived_paid")})
    assert len(books.invoices_of(bill_id)) == 1
    books.control.restore_bill(books.organization, bill_id)
    books.settle("bill", bill_id)
