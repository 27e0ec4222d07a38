"""Releasing: created on hold, verified, taken off hold, released, and believed only when Visma shows it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, open_books

pytestmark = pytest.mark.acceptance

WRONG_VAT = (
    ('vat_category = "25"', 'vat = "none"\nvat_category = "25"'),
    ('vat_category_exempt = "0"', 'vat_category_exempt = "25"'),
)
"""Visma adds VAT to what should have none: its documents show other amounts than the bills."""


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second; invoices are released."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("release"), 14, subscribed=True)
    opened.apply(poll_interval_s=1, release_invoices=True)
    yield opened
    opened.pause()


def wait_released(books: Books, bill_id: str) -> None:
    """Wait until all that was ever done to a bill's document is its creation and its release."""

    def done() -> list[str]:
        return [
            entry["action"] for entry in books.ask("records", "show", books.id, "bill", bill_id)["history"]
        ]

    books.until(lambda: done() == ["created", "released"], lambda: f"released: {done()}")


def test_invoices_are_released_after_they_were_verified(books: Books) -> None:
    vendor_id = books.sync_vendor()
    ids = [books.create_bill(vendor_id, f"R-{place}", "1250.00") for place in range(3)]
    books.control.wait("invoices", len(ids), company=books.company, status="Open", timeout_s=30)
    books.expect_all("bill", ids, "synced")
    for bill_id in ids:
        number = books.invoice_of(bill_id)["referenceNumber"]
        log = [one for one in books.control.visma_log(books.company) if one["number"] == number]
        assert next(one["body"]["status"] for one in log if one["entity"] == "supplierInvoice") == "Hold"
        assert [one["kind"] for one in log].count("created") == 1
        assert [one["body"]["status"] for one in log][-1] == "Open"
        wait_released(books, bill_id)

    books.change_line(ids[0], amount=Decimal("1300.00"))
    books.expect({("bill", ids[0]): ("held", "invoice_released")})
    assert books.invoice_of(ids[0])["amount"] == 1250


def test_what_differs_is_never_released(books: Books) -> None:
    books.apply_file(*WRONG_VAT, poll_interval_s=1, release_invoices=True)
    bill_id = books.create_bill(books.sync_vendor(1), "R-9", "100.00")
    books.expect({("bill", bill_id): ("held", "amount_mismatch")})
    assert books.invoice_of(bill_id)["status"] == "Hold"

    books.apply_file(WRONG_VAT[0], poll_interval_s=1, release_invoices=True)
    books.until(lambda: books.invoice_of(bill_id)["status"] == "Open", "released once it agrees")
    assert books.invoice_of(bill_id)["amount"] == 100


def test_two_with_one_marker_are_never_released(books: Books) -> None:
    books.apply_file(poll_interval_s=1, release_invoices=False)
    vendor_id = books.sync_vendor(2)
    bill_id = books.sync_bill(vendor_id, "R-10")
    supplier = books.supplier_of(vendor_id)["number"]
    copy = books.enter_invoice(supplier, "R-10b", "1250.00", note=f"BILL:{bill_id}")
    books.expect({("bill", bill_id): ("held", "doubled")})
    books.apply_file(poll_interval_s=1, release_invoices=True)
    books.walk("visma")
    books.quiet()
    assert {one["status"] for one in books.invoices_of(bill_id)} <= {"Balanced", "Hold"}
    books.control.delete_invoice(books.company, copy)
    books.until(lambda: books.invoice_of(bill_id)["status"] == "Open", "released")
