"""A record that is held, or waits, while a write of ours has no answer: what was sent is not forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.sync.test_taken_back import hear, lose, wait_out
from tests.support.bench import Bench
from tests.support.people import bill_line
from workers.sync import removal
from workers.sync.outcome import Outcome

pytestmark = pytest.mark.integration

Stop = Callable[[Bench, str], object]


@pytest.fixture
def bill(bench: Bench) -> str:
    """A synced bill of one line."""
    bill = bench.add_bill(bench.add_vendor(), "F-1", bill_line("100.00"))
    bench.sync()
    return bill


def leave_number_out(bench: Bench, bill: str) -> None:
    bench.change_bill(bill, invoice={"invoiceNumber": "", "invoiceDate": "2026-10-31"})


def withdraw(bench: Bench, bill: str) -> None:
    bench.sandbox.withdraw_approval(bench.organization, bill)


def archive_paid(bench: Bench, bill: str) -> None:
    bench.sandbox.pay_bill(bench.organization, bill, "PAID")
    bench.sandbox.archive_bill(bench.organization, bill)


def give_number(bench: Bench, bill: str) -> None:
    bench.change_bill(bill, invoice={"invoiceNumber": "F-1", "invoiceDate": "2026-10-31"})


def approve(bench: Bench, bill: str) -> None:
    bench.sandbox.approve_bill(bench.organization, bill)


def restore_unpaid(bench: Bench, bill: str) -> None:
    bench.sandbox.restore_bill(bench.organization, bill)
    bench.sandbox.pay_bill(bench.organization, bill, "UNPAID")


STOPS: dict[str, tuple[Stop, tuple[str, str | None], Stop]] = {
    "its number is missing": (leave_number_out, ("held", "missing_reference"), give_number),
    "its approval is taken back": (withdraw, ("waiting", None), approve),
    "it is archived, and paid": (archive_paid, ("held", "archived_paid"), restore_unpaid),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS.keys())
@pytest.mark.parametrize("when", ["before", "after", "late"])
def test_a_change_that_is_taken_back_meanwhile(
    bench: Bench, bill: str, when: str, stop: tuple[Stop, tuple[str, str | None], Stop]
) -> None:
    halt, halted, go_on = stop
    lose(bench, "PUT", "supplierInvoice", when)
    bench.change_bill(bill, description="new")
    hear(bench)
    halt(bench, bill)
    bench.change_bill(bill, description="")
    hear(bench)
    bench.pass_time(2)
    if when != "before":  # the late one, or a hold of ours that came before it
        bench.sandbox.wait("log", company=bench.company, entity="supplierInvoice", kind="updated")
    wait_out(bench)
    assert bench.state("bill", bill) == halted
    go_on(bench, bill)
    hear(bench)
    wait_out(bench)
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["description"] == "F-1"
    assert not bench.invoice_of(bill)["hold"]


def test_a_change_that_visma_refused_after_it_was_made(bench: Bench, bill: str) -> None:
    spoil(bench, "PUT")
    bench.change_bill(bill, description="new")
    hear(bench)
    assert bench.state("bill", bill) == ("held", "period_closed")
    bench.change_bill(bill, description="")
    hear(bench)
    wait_out(bench)
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["description"] == "F-1"


def test_a_deletion_that_visma_refused_after_it_was_done(bench: Bench, bill: str) -> None:
    spoil(bench, "DELETE")
    bench.sandbox.archive_bill(bench.organization, bill)
    hear(bench)
    assert bench.state("bill", bill) == ("held", "period_closed")
    bench.sandbox.restore_bill(bench.organization, bill)
    hear(bench)
    wait_out(bench)
    assert bench.state("bill", bill) == ("synced", None)
    assert [bench.invoice_of(bill)] == bench.invoices()


def spoil(bench: Bench, method: str) -> None:
    """The next request of this kind is carried out, and answered as a refusal."""
    bench.sandbox.add_fault(
        system="visma",
        tenant=bench.company,
        method=method,
        route="/v1/supplierInvoice(/|$)",
        kind="status",
        when="after",
        status=500,
        message="The financial period 202611 is closed.",
    )


def test_a_create_of_a_bill_that_bill_does_not_know_any_more(bench: Bench) -> None:
    """What may be in Visma is looked up first: then a person is told of it."""
    bill = bench.add_bill(bench.add_vendor())
    bench.sync()
    other = bench.add_bill(str(bench.bill(bill)["vendorId"]), "F-2")
    lose(bench, "POST", "supplierInvoice")
    hear(bench)
    bench.sandbox.add_fault(
        system="bill",
        tenant=bench.organization,
        route=rf"/v3/bills/{other}$",
        kind="status",
        status=404,
        code="BDC_1205",
        times=9,
    )
    bench.force("bill", other)
    bench.pass_time(2)
    assert bench.state("bill", other) == ("held", "not_in_bill")
    assert bench.invoice_of(other)["supplierReference"] == "F-2"


def test_a_person_s_hold_that_comes_just_before_ours_is_theirs_to_lift(
    bench: Bench, bill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_hold = removal._put_on_hold

    def hold_first(*args: Any) -> Outcome:
        bench.change_invoice(str(bench.record("bill", bill).visma_number), hold=True)
        return put_on_hold(*args)

    withdraw(bench, bill)
    with monkeypatch.context() as patch:
        patch.setattr(removal, "_put_on_hold", hold_first)
        bench.force("bill", bill)
    assert bench.state("bill", bill) == ("waiting", None)
    approve(bench, bill)
    bench.force("bill", bill)
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["hold"]


@pytest.mark.parametrize("taken_away", ["ours", "the copy"])
def test_a_create_that_is_found_twice_is_held_until_one_is_left(bench: Bench, taken_away: str) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor, "F-2")
    bench.poll()
    bench.run("vendor", vendor)
    lose(bench, "POST", "supplierInvoice")
    bench.work_off()
    (ours,) = bench.invoices()
    copy = bench.add_invoice(ours["supplier"]["number"], "F-2b", "1250.00", note=f"BILL:{bill}")
    bench.pass_time(2)
    assert bench.state("bill", bill) == ("held", "doubled")
    gone, left = (ours["referenceNumber"], copy) if taken_away == "ours" else (copy, ours["referenceNumber"])
    bench.sandbox.delete_invoice(bench.company, gone)
    bench.poll("visma")
    bench.pass_time(301)
    bench.judge_held()
    assert bench.state("bill", bill) == ("synced", None)
    assert [one["referenceNumber"] for one in bench.invoices()] == [left]
    assert bench.record("bill", bill).visma_number == left
