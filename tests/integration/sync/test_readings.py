"""What both systems' references leave open: a bill's life is the same whichever way they behave."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

USUAL: dict[str, Any] = {}
OTHER: dict[str, Any] = {
    "note_on_single_reads": False,
    "business_error_status": 500,
    "max_page_size": 1,
    "shuffled_lists": False,
    "release_answer": "legacy",
}
STRICT = {
    "hold_on_entry": True,
    "require_supplier_ref": True,
    "raise_error_on_duplicate_ref": True,
    "validate_totals": True,
}


READINGS = pytest.mark.parametrize(
    ("settings", "preferences"),
    [(USUAL, USUAL), (OTHER, USUAL), (USUAL, STRICT), (OTHER, STRICT)],
    ids=["usual", "other", "strict", "other and strict"],
)


@READINGS
def test_a_bill_lives_and_goes_the_same_way(
    make_bench: MakeBench, settings: dict[str, Any], preferences: dict[str, Any]
) -> None:
    bench = make_bench()
    bench.sandbox.company_settings(bench.company, **settings)
    bench.sandbox.preferences(bench.company, **preferences)
    odd = settings is OTHER
    bench.sandbox.organization_settings(
        bench.organization, error_shape="object" if odd else "array", approval_bumps_updated_time=not odd
    )
    vendor = bench.add_vendor(name="Långt namn " * 8)
    bill = bench.add_bill(vendor, "F-1", bill_line("100.00"), bill_line("40.00", "5010"))
    bench.sync()
    check(bench, bill, "140.00", lines=2)

    first, _ = bench.bill(bill)["billLineItems"]
    bench.change_lines(bill, {**first, "amount": Decimal("110.00")}, bill_line("7.50"), bill_line("1.00"))
    bench.sync()
    check(bench, bill, "118.50", lines=3)
    bench.change_bill(bill, purchaseOrderNumber="PO-9", dueDate="2026-12-24")
    bench.sync()
    check(bench, bill, "118.50", lines=3)
    assert "PO number: PO-9" in bench.invoice_of(bill)["note"]
    bench.change_vendor(vendor, name="Ett annat långt namn " * 4)
    bench.sync()
    assert bench.supplier_of(vendor)["note"] == "Ett annat långt namn " * 4

    copy = bench.add_invoice(bench.supplier_of(vendor)["number"], "F-2", "118.50", **marked(bill))
    bench.sync()
    assert bench.state("bill", bill) == ("held", "doubled")
    bench.sandbox.delete_invoice(bench.company, copy)
    bench.pass_time(301)
    bench.sync()
    check(bench, bill, "118.50", lines=3)

    bench.sandbox.withdraw_approval(bench.organization, bill)
    bench.poll("sweep")
    bench.work_off()
    assert bench.invoice_of(bill)["hold"] is True
    bench.sandbox.approve_bill(bench.organization, bill)
    bench.poll("waiting")
    bench.work_off()
    check(bench, bill, "118.50", lines=3)
    bench.sandbox.archive_bill(bench.organization, bill)
    bench.sync()
    assert bench.invoices() == []


@READINGS
def test_an_invoice_is_released_once_it_was_verified(
    make_bench: MakeBench, settings: dict[str, Any], preferences: dict[str, Any]
) -> None:
    bench = make_bench(sync={"release_invoices": True})
    bench.sandbox.company_settings(bench.company, **settings)
    bench.sandbox.preferences(bench.company, **preferences)
    bill = bench.add_bill(bench.add_vendor(), "F-1", bill_line("100.00"), bill_line("40.00", "5010"))
    bench.sync()
    assert bench.invoice_of(bill)["status"] == "Hold"
    bench.sync()
    bench.sandbox.wait("invoices", company=bench.company, status="Open", timeout_s=20)
    bench.pass_time(10)
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.history("bill", bill) == ["created", "released"]
    assert bench.invoice_of(bill)["amount"] == Decimal("140.00")


def marked(bill: str) -> dict[str, Any]:
    """A document on hold that carries a bill's marker."""
    return {"note": f"BILL:{bill}", "hold": True}


def check(bench: Bench, bill: str, amount: str, *, lines: int) -> None:
    """The bill stands in Visma as it should, free to be paid."""
    assert bench.state("bill", bill) == ("synced", None), bench.record("bill", bill).detail
    shown = bench.invoice_of(bill)
    assert shown["amount"] == Decimal(amount)
    assert len(shown["invoiceLines"]) == lines
    assert shown["hold"] is False
    assert shown["note"].startswith(f"BILL:{bill}")
    assert len(bench.invoices()) == 1
