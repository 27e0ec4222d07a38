"""Polling Visma: what people do there is known without a call per record, and judged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.sandbox.app import VISMA
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, open_books

pytestmark = pytest.mark.acceptance

EXEMPT = 'vat_category_exempt = "0"'
SUPPLIERS = 520
"""More than a page."""


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("visma"), 3)
    opened.apply(poll_interval_s=1)
    yield opened
    opened.pause()


def test_a_second_live_document_with_one_marker_is_doubled_until_one_is_gone(books: Books) -> None:
    vendor_id = books.sync_vendor()
    bill_id = books.sync_bill(vendor_id, "D-1")
    first = books.invoice_of(bill_id)["referenceNumber"]
    supplier = books.supplier_of(vendor_id)["number"]
    second = books.enter_invoice(supplier, "D-1 (copy)", "1250.00", note=f"BILL:{bill_id}\nkopia")
    books.expect({("bill", bill_id): ("held", "doubled")})
    assert first in books.detail("bill", bill_id) and second in books.detail("bill", bill_id)

    books.control.delete_invoice(books.company, second)
    books.settle("bill", bill_id)
    assert books.invoice_of(bill_id)["referenceNumber"] == first


def test_a_copy_that_was_voided_counts_no_more(books: Books) -> None:
    vendor_id = books.sync_vendor(1)
    bill_id = books.sync_bill(vendor_id, "D-2")
    number = books.supplier_of(vendor_id)["number"]
    copy = books.enter_invoice(number, "D-2b", "1250.00", note=f"BILL:{bill_id}", hold=False)
    books.expect({("bill", bill_id): ("held", "doubled")})
    books.control.release_invoice(books.company, copy)
    books.control.void_invoice(books.company, copy)
    books.settle("bill", bill_id)


def test_amounts_that_differ_in_visma_are_told_and_healed_by_the_mapping(books: Books) -> None:
    books.apply_file(
        ('vat_category = "25"', 'vat = "none"\nvat_category = "25"'),
        (EXEMPT, EXEMPT.replace('"0"', '"25"')),
        poll_interval_s=1,
    )
    bill_id = books.create_bill(books.sync_vendor(2), "M-1", "1000.00")
    books.expect({("bill", bill_id): ("held", "amount_mismatch")})
    detail = books.detail("bill", bill_id)
    assert "1250.0" in detail and "1000.0" in detail, detail

    books.apply_file(('vat_category = "25"', 'vat = "none"\nvat_category = "25"'), poll_interval_s=1)
    books.settle("bill", bill_id)
    assert books.invoice_of(bill_id)["amount"] == 1000


def test_an_amount_that_a_person_changed_is_theirs(books: Books) -> None:
    books.apply_file(poll_interval_s=1)
    bill_id = books.sync_bill(books.sync_vendor(3), "M-2", amount="400.00")
    number = books.invoice_of(bill_id)["referenceNumber"]
    change = {"operation": "Update", "lineNumber": 1, "unitCostInCurrency": 390}
    books.control.change_invoice(books.company, number, invoiceLines=[change])
    books.walk("visma")
    books.quiet()
    row = books.record("bill", bill_id)
    assert row is not None and row["state"] == "synced"
    assert books.invoice_of(bill_id)["amount"] == 390


def test_a_list_without_order_that_grows_during_the_walk_loses_nothing(books: Books) -> None:
    books.apply()  # quiet, but for the walk that follows
    suppliers = [{"name": f"Leverantör nr {place} AB", "supplierClassId": "1"} for place in range(SUPPLIERS)]
    trap: Json = {"system": "visma", "tenant": books.company, "route": r"/v1/supplier$"}
    calls: Json = {**trap, "route": f"{VISMA}/v1/supplier"}
    books.control.add_fault("latency", skip=1, times=1, seconds=1.5, **trap)
    books.control.enter_many(books.company, suppliers=suppliers)
    before = books.control.count_calls(**calls)
    books.poll_now("visma")
    books.control.wait("calls", before + 1, **calls)
    for place in range(20):  # somewhere before the border, one at least: all behind it move by that many
        books.control.create_supplier(books.company, {"name": f"Sen {place} AB", "supplierClassId": "1"})
    books.walk("visma")
    query = "SELECT number FROM visma_index WHERE tenant = %s AND kind = 'supplier'"
    indexed = {row["number"] for row in books.conn.execute(query, (books.id,))}
    assert {one["number"] for one in books.suppliers()} - indexed == set()
    books.control.clear_faults()
