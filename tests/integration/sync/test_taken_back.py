"""What BILL takes back is taken back in Visma too, whatever answers were lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

GAPS_S = (2, 8, 20, 30, 60, 120, 61)
"""Past all look-ups, and past Visma's cap on a request."""


MATCHING = {"taxId": "SE556677889901"}


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()


@pytest.fixture
def bill(bench: Bench) -> str:
    """A synced bill of one line."""
    bill = bench.add_bill(bench.add_vendor(email="a@example.com"), "F-1", bill_line("100.00"))
    bench.sync()
    return bill


def lose(bench: Bench, method: str, noun: str, when: str = "after") -> None:
    """Lose the answer to the next request of this kind; ``late`` has it done a second later."""
    how = {"kind": "late", "seconds": 1.0} if when == "late" else {"kind": "drop", "when": when}
    bench.sandbox.add_fault(
        system="visma", tenant=bench.company, method=method, route=f"/v1/{noun}(/|$)", **how
    )


def hear(bench: Bench) -> None:
    bench.poll("bill")
    bench.work_off()


def wait_out(bench: Bench) -> None:
    for gap_s in GAPS_S:
        bench.poll("visma")
        bench.pass_time(gap_s)


def test_a_bill_s_change(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice")
    bench.change_bill(bill, description="new")
    hear(bench)
    assert bench.invoice_of(bill)["description"] == "new"
    bench.change_bill(bill, description="")
    hear(bench)
    wait_out(bench)
    assert bench.invoice_of(bill)["description"] == "F-1"
    assert bench.state("bill", bill) == ("synced", None)


def test_a_bill_s_change_whose_return_was_lost_too(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice")
    bench.change_bill(bill, description="new")
    hear(bench)
    lose(bench, "PUT", "supplierInvoice", "before")
    bench.change_bill(bill, description="")
    hear(bench)
    wait_out(bench)
    assert bench.invoice_of(bill)["description"] == "F-1"
    assert bench.state("bill", bill) == ("synced", None)


def test_a_change_that_was_changed_twice_is_no_person_s_edit(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice")
    bench.change_bill(bill, description="new")
    hear(bench)
    lose(bench, "PUT", "supplierInvoice", "before")
    bench.change_bill(bill, description="newer")
    hear(bench)
    wait_out(bench)
    assert bench.invoice_of(bill)["description"] == "newer"
    assert bench.state("bill", bill) == ("synced", None)


def test_a_bill_s_new_line(bench: Bench, bill: str) -> None:
    first = bench.bill(bill)["billLineItems"][0]
    lose(bench, "PUT", "supplierInvoice")
    bench.change_lines(bill, first, bill_line("25.00"))
    hear(bench)
    bench.change_lines(bill, first)
    hear(bench)
    wait_out(bench)
    assert [line["costInCurrency"] for line in bench.invoice_of(bill)["invoiceLines"]] == [100]
    assert bench.state("bill", bill) == ("synced", None)


def test_a_vendor_s_change(bench: Bench, bill: str) -> None:
    vendor = str(bench.bill(bill)["vendorId"])
    lose(bench, "PUT", "supplier")
    bench.change_vendor(vendor, email="b@example.com")
    hear(bench)
    bench.change_vendor(vendor, email="a@example.com")
    hear(bench)
    wait_out(bench)
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "a@example.com"
    assert bench.state("vendor", vendor) == ("synced", None)


def test_a_late_update_to_a_document_that_a_person_edited_before(bench: Bench, bill: str) -> None:
    number = str(bench.record("bill", bill).visma_number)
    bench.change_invoice(number, dueDate="2026-12-24")
    lose(bench, "PUT", "supplierInvoice", "late")
    bench.change_bill(bill, description="new")
    hear(bench)
    bench.change_bill(bill, description="")
    hear(bench)
    bench.sandbox.wait("log", company=bench.company, entity="supplierInvoice", kind="updated", count=2)
    wait_out(bench)
    shown = bench.invoice_of(bill)
    assert (shown["description"], shown["dueDate"][:10]) == ("F-1", "2026-12-24")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_deletion(bench: Bench, bill: str, when: str) -> None:
    lose(bench, "DELETE", "supplierInvoice", when)
    bench.sandbox.archive_bill(bench.organization, bill)
    hear(bench)
    bench.sandbox.restore_bill(bench.organization, bill)
    hear(bench)
    wait_out(bench)
    assert bench.invoice_of(bill) == bench.invoices()[0]
    assert bench.state("bill", bill) == ("synced", None)


def test_a_deletion_that_happens_long_after(bench: Bench, bill: str) -> None:
    lose(bench, "DELETE", "supplierInvoice", "late")
    bench.sandbox.archive_bill(bench.organization, bill)
    hear(bench)
    bench.sandbox.restore_bill(bench.organization, bill)
    hear(bench)
    assert bench.record("bill", bill).next_attempt_at is not None, "Visma may still be deleting it"
    bench.sandbox.wait("log", company=bench.company, entity="supplierInvoice", kind="deleted")
    wait_out(bench)
    assert [bench.invoice_of(bill)] == bench.invoices()
    assert bench.state("bill", bill) == ("synced", None)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_move(bench: Bench, bill: str, when: str) -> None:
    vendor, other = str(bench.bill(bill)["vendorId"]), bench.add_vendor(1)
    hear(bench)
    lose(bench, "DELETE", "supplierInvoice", when)
    bench.change_bill(bill, vendorId=other)
    hear(bench)
    bench.change_bill(bill, vendorId=vendor)
    hear(bench)
    wait_out(bench)
    (shown,) = bench.invoices()
    assert shown["supplier"]["number"] == bench.supplier_of(vendor)["number"]
    assert bench.invoice_of(bill) == shown
    assert bench.state("bill", bill) == ("synced", None)


def test_a_deletion_after_a_change_without_an_answer(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice")
    bench.change_bill(bill, description="new")
    hear(bench)
    lose(bench, "DELETE", "supplierInvoice", "before")
    bench.sandbox.archive_bill(bench.organization, bill)
    hear(bench)
    bench.sandbox.restore_bill(bench.organization, bill)
    bench.change_bill(bill, description="")
    hear(bench)
    wait_out(bench)
    assert bench.invoice_of(bill)["description"] == "F-1"
    assert bench.state("bill", bill) == ("synced", None)


@pytest.mark.parametrize("email", ["b@example.com", None], ids=["changed", "taken out"])
@pytest.mark.parametrize("lost", [("after",), ("after", "after"), ("after", "before"), ("before", "after")])
def test_what_a_link_filled_in_is_ours(bench: Bench, lost: tuple[str, ...], email: str | None) -> None:
    number = bench.add_supplier(corporateId="556677-8899", mainContact={"phone1": "+46 1"})
    vendor = bench.add_vendor(email="a@example.com", phone="+46 2", additionalInfo=MATCHING)
    bench.poll("visma")
    for count, when in enumerate(lost):
        lose(bench, "PUT", "supplier", when)
        bench.change_vendor(vendor, email=f"a{count}@example.com")
        hear(bench)
    bench.change_vendor(vendor, email=email)
    hear(bench)
    wait_out(bench)
    assert bench.record("vendor", vendor).visma_number == number
    shown = bench.supplier_of(vendor)["mainContact"]
    assert (shown["email"], shown["phone1"]) == (email, "+46 1"), "what people filled in stays"
    assert bench.record("vendor", vendor).body["origin"] == "matched"


def test_what_a_link_to_another_supplier_filled_in_tells_nothing_of_this_one(bench: Bench) -> None:
    wrong = bench.add_supplier(corporateId="556677-8899")
    number = bench.add_supplier(name="En annan", mainContact={"email": "a@example.com"})
    vendor = bench.add_vendor(email="a@example.com", additionalInfo=MATCHING)
    bench.poll("visma")
    lose(bench, "PUT", "supplier")
    hear(bench)
    bench.change_vendor(vendor, email="b@example.com")
    bench.change_supplier(wrong, accountReference="")
    bench.apply(replace(bench.config, mapping=replace(bench.config.mapping, suppliers={vendor: number})))
    hear(bench)
    wait_out(bench)
    assert bench.record("vendor", vendor).visma_number == number
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "a@example.com", "a person filled it in"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_vendor_s_change_while_suppliers_made_by_people_are_left_alone(bench: Bench, when: str) -> None:
    bench.add_supplier(corporateId="556677-8899")
    vendor = bench.add_vendor(email="a@example.com", additionalInfo=MATCHING)
    bench.sync()
    assert bench.history("vendor", vendor) == ["linked"]
    lose(bench, "PUT", "supplier", when)
    bench.change_vendor(vendor, email="b@example.com")
    hear(bench)
    update_matched(bench, update=False)
    wait_out(bench)
    shown = bench.supplier_of(vendor)["mainContact"]["email"]
    assert shown == ("a@example.com" if when == "before" else "b@example.com"), "nothing more was written"
    bench.change_vendor(vendor, email="a@example.com")
    hear(bench)
    update_matched(bench, update=True)
    bench.force("vendor", vendor)
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "a@example.com"
    assert bench.state("vendor", vendor) == ("synced", None)


def update_matched(bench: Bench, *, update: bool) -> None:
    sync = replace(bench.config.sync, update_matched_suppliers=update)
    bench.apply(replace(bench.config, sync=sync))
