"""What a record costs: HTTP calls to each system, counted by the systems themselves."""

from __future__ import annotations

import pytest

from shared.store.records import Heard
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration


@pytest.fixture
def vendor(bench: Bench) -> str:
    """A synced vendor with one synced bill: session, token and reference lists are there."""
    vendor = bench.add_vendor()
    bench.add_bill(vendor, "F-0")
    bench.sync()
    return vendor


def test_a_new_bill_told_by_a_webhook(bench: Bench, vendor: str) -> None:
    bill = bench.add_bill(vendor, "F-1")
    bench.hear(Heard("bill", bill))
    assert bench.count_calls(bench.work_off) == {"bill": 1, "visma": 1}
    assert bench.state("bill", bill) == ("synced", None)


def test_a_new_bill_found_by_a_poll_is_not_read_again(bench: Bench, vendor: str) -> None:
    bill = bench.add_bill(vendor, "F-1")
    bench.poll("bill")
    assert bench.count_calls(bench.work_off) == {"bill": 0, "visma": 1}
    assert bench.state("bill", bill) == ("synced", None)


def test_a_new_vendor_found_by_a_poll(bench: Bench, vendor: str) -> None:
    bench.add_vendor(1)
    bench.poll("bill")
    assert bench.count_calls(bench.work_off) == {"bill": 0, "visma": 1}


def test_a_changed_bill(bench: Bench, vendor: str) -> None:
    bill = bench.add_bill(vendor, "F-1", bill_line("10.00"), bill_line("20.00"))
    bench.sync()
    bench.change_bill(bill, billLineItems=[bill_line("30.00")], dueDate="2026-12-24")
    bench.hear(Heard("bill", bill))
    assert bench.count_calls(bench.work_off) == {"bill": 1, "visma": 2}
    assert bench.invoice_of(bill)["amount"] == 60


def test_a_changed_vendor(bench: Bench, vendor: str) -> None:
    bench.change_vendor(vendor, email="ny@example.com")
    bench.hear(Heard("vendor", vendor))
    assert bench.count_calls(bench.work_off) == {"bill": 1, "visma": 2}


def test_a_burst_of_events_is_one_read_and_no_write(bench: Bench, vendor: str) -> None:
    bench.hear(*(Heard("vendor", vendor) for _ in range(30)))
    assert bench.count_calls(bench.work_off) == {"bill": 1, "visma": 0}


def test_many_new_bills_cost_one_page_and_one_call_each(bench: Bench, vendor: str) -> None:
    for number in range(20):
        bench.add_bill(vendor, f"M-{number}")
    calls = bench.count_calls(lambda: bench.poll("bill")), bench.count_calls(bench.work_off)
    counted = {system: sum(part[system] for part in calls) for system in ("bill", "visma")}
    assert counted == {"bill": 2, "visma": 20}, "a page of vendors, a page of bills, and a write each"


def test_held_bills_cost_no_call_each_when_they_are_judged_anew(bench: Bench, vendor: str) -> None:
    bench.sandbox.set_period(bench.company, "202602", active=False)
    invoice = {"invoiceNumber": "H", "invoiceDate": "2026-02-01"}
    bills = [bench.add_bill(vendor, invoice=invoice) for _ in range(5)]
    bench.sync()
    assert {bench.state("bill", bill) for bill in bills} == {("held", "period_closed")}
    bench.poll("visma")
    counted = bench.count_calls(lambda: (bench.pass_time(301), bench.judge_held()))
    assert counted["bill"] == 0
    assert counted["visma"] <= 5, "one refresh of Visma's five lists serves the tenant"
    assert {bench.state("bill", bill) for bill in bills} == {("held", "period_closed")}
