"""A bill that changes in BILL changes its supplier invoice, and never what people changed there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from deploy.sandbox.jsonio import Json
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration


@pytest.fixture
def vendor(bench: Bench) -> str:
    """A vendor of the bench."""
    return bench.add_vendor()


@pytest.fixture
def bill(bench: Bench, vendor: str) -> str:
    """A synced bill of two lines, 100.00 and 50.00."""
    bill = bench.add_bill(vendor, "F-1", bill_line("100.00"), bill_line("50.00", "5010", "200"))
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    return bill


def costs(invoice: Json) -> list[Decimal]:
    return [line["costInCurrency"] for line in invoice["invoiceLines"]]


def number_of(bench: Bench, bill: str) -> str:
    return str(bench.record("bill", bill).visma_number)


def old_lines(bench: Bench, bill: str) -> list[Json]:
    lines: list[Json] = bench.bill(bill)["billLineItems"]
    return lines


def test_a_changed_line_is_changed_by_its_number(bench: Bench, bill: str) -> None:
    first, second = old_lines(bench, bill)
    bench.change_bill(bill, billLineItems=[{**bill_line("75.50", "6540", "100"), "id": second["id"]}])
    assert [run.word for run in bench.sync()] == ["updated"]
    shown = bench.invoice_of(bill)
    assert costs(shown) == [Decimal("100.00"), Decimal("75.50")]
    assert shown["amount"] == Decimal("175.50")
    line = shown["invoiceLines"][1]
    assert (line["account"]["number"], line["subaccount"]["subaccountNumber"], line["vatCode"]["id"]) == (
        "6540",
        "100",
        "6",
    )
    assert shown["invoiceLines"][0]["transactionDescription"] == first["description"]
    assert bench.history("bill", bill) == ["created", "updated"]


def test_a_new_line_is_inserted_once(bench: Bench, bill: str) -> None:
    bench.change_bill(bill, billLineItems=[bill_line("25.00")])
    bench.sync()
    bench.force("bill", bill)
    assert costs(bench.invoice_of(bill)) == [Decimal(100), Decimal(50), Decimal(25)]


def test_a_line_that_is_gone_is_deleted(bench: Bench, bill: str) -> None:
    bench.change_lines(bill, old_lines(bench, bill)[1])
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (costs(shown), shown["amount"]) == ([Decimal(50)], 50)
    assert shown["invoiceLines"][0]["account"]["number"] == "5010"


def test_the_header_is_changed_alone(bench: Bench, bill: str) -> None:
    before = bench.invoice_of(bill)
    bench.change_bill(bill, dueDate="2026-12-15", description="Ny text")
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["dueDate"][:10], shown["description"]) == ("2026-12-15", "Ny text")
    assert shown["invoiceLines"] == before["invoiceLines"]


def test_what_a_person_changed_in_visma_stays(bench: Bench, bill: str) -> None:
    line = {"operation": "Update", "lineNumber": 1, "accountNumber": "5410"}
    bench.change_invoice(number_of(bench, bill), paymentRefNo="OCR 17", invoiceLines=[line])
    bench.change_bill(bill, dueDate="2026-12-15")
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["paymentRefNo"], shown["dueDate"][:10]) == ("OCR 17", "2026-12-15")
    assert shown["invoiceLines"][0]["account"]["number"] == "5410"


def test_where_both_changed_the_same_line_nobody_is_overruled(bench: Bench, bill: str) -> None:
    line = {"operation": "Update", "lineNumber": 2, "unitCostInCurrency": Decimal("49.00")}
    bench.change_invoice(number_of(bench, bill), invoiceLines=[line])
    second = old_lines(bench, bill)[1]
    bench.change_bill(bill, billLineItems=[{"id": second["id"], "amount": Decimal("60.00")}])
    effects = bench.effects()
    bench.sync()
    assert bench.state("bill", bill) == ("held", "edited_in_visma")
    told = str(bench.record("bill", bill).detail)
    assert "60" in told
    assert "49" in told
    assert bench.effects() == effects


def test_a_line_that_we_did_not_write_is_never_touched(bench: Bench, bill: str) -> None:
    line = {"operation": "Insert", "accountNumber": "4000", "vatCodeId": "25"}
    bench.change_invoice(number_of(bench, bill), invoiceLines=[line])
    bench.change_bill(bill, billLineItems=[bill_line("25.00")])
    bench.sync()
    assert bench.state("bill", bill) == ("held", "edited_in_visma")
    assert len(bench.invoice_of(bill)["invoiceLines"]) == 3


def test_an_edit_between_our_look_and_our_write_is_not_lost(bench: Bench, bill: str) -> None:
    bench.sandbox.add_fault(
        "race", system="visma", tenant=bench.company, method="PUT", change={"paymentRefNo": "OCR 17"}
    )
    bench.change_bill(bill, dueDate="2026-12-15")
    bench.sync()
    assert bench.sandbox.count_calls(system="visma", tenant=bench.company, method="PUT", status=412) == 1
    shown = bench.invoice_of(bill)
    assert (shown["paymentRefNo"], shown["dueDate"][:10]) == ("OCR 17", "2026-12-15")


def test_a_released_document_is_never_changed(bench: Bench, bill: str) -> None:
    bench.sandbox.release_invoice(bench.company, number_of(bench, bill))
    before = bench.invoice_of(bill)
    bench.change_bill(bill, billLineItems=[bill_line("25.00")])
    bench.sync()
    assert bench.state("bill", bill) == ("held", "invoice_released")
    told = str(bench.record("bill", bill).detail)
    assert "175" in told
    assert "150" in told
    assert bench.invoice_of(bill) == before


def test_a_document_that_a_person_deleted_is_not_made_again(bench: Bench, bill: str) -> None:
    bench.sandbox.delete_invoice(bench.company, number_of(bench, bill))
    bench.change_bill(bill, dueDate="2026-12-15")
    bench.sync()
    assert bench.state("bill", bill) == ("held", "edited_in_visma")
    assert bench.invoices() == []


def test_a_repeated_upsert_writes_nothing(bench: Bench, bill: str) -> None:
    effects = bench.effects()
    for _ in range(3):
        assert [run.word for run in bench.force("bill", bill)] == ["unchanged"]
    bench.poll("sweep", "visma")
    assert bench.work_off() == []
    assert bench.effects() == effects
    assert bench.history("bill", bill) == ["created"]


# --- approval, archive ------------------------------------------------------------------------------


def test_an_approval_withdrawn_puts_on_hold_and_given_back_frees(bench: Bench, bill: str) -> None:
    bench.sandbox.withdraw_approval(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("waiting", None)
    assert bench.invoice_of(bill)["status"] == "Hold"
    bench.change_bill(bill, billLineItems=[bill_line("25.00")])
    bench.sync()
    assert bench.invoice_of(bill)["amount"] == 150, "nothing is written that is not approved"
    bench.sandbox.approve_bill(bench.organization, bill)
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["status"], shown["amount"]) == ("Balanced", 175)
    assert bench.state("bill", bill) == ("synced", None)


def test_an_approval_withdrawn_after_the_release_is_told(bench: Bench, bill: str) -> None:
    bench.sandbox.release_invoice(bench.company, number_of(bench, bill))
    bench.sandbox.withdraw_approval(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("held", "invoice_released")
    bench.sandbox.approve_bill(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)


def test_archived_in_bill_is_deleted_in_visma_and_comes_back_with_it(bench: Bench, bill: str) -> None:
    bench.sandbox.archive_bill(bench.organization, bill)
    bench.sync()
    assert bench.invoices() == []
    assert bench.state("bill", bill) == ("ignored", None)
    bench.sandbox.restore_bill(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert len(bench.invoices()) == 1
    assert bench.history("bill", bill) == ["created", "deleted", "created"]


@pytest.mark.parametrize(("release", "status", "reason"), [
    (False, "SCHEDULED", "archived_paid"),
    (False, "PAID", "archived_paid"),
    (True, None, "invoice_released"),
])  # fmt: skip
def test_archived_but_paid_or_released_is_for_a_person(
    bench: Bench, bill: str, release: bool, status: str | None, reason: str
) -> None:
    if release:
        bench.sandbox.release_invoice(bench.company, number_of(bench, bill))
    if status:
        bench.sandbox.pay_bill(bench.organization, bill, status)
    bench.sandbox.archive_bill(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("held", reason)
    assert len(bench.invoices()) == 1


# --- another document ---------------------------------------------------------------------------------


def test_a_bill_moved_to_another_vendor_is_made_anew_there(bench: Bench, bill: str) -> None:
    other = bench.add_vendor(1)
    bench.change_bill(bill, vendorId=other)
    bench.sync()
    (shown,) = bench.invoices()
    assert shown["supplier"]["number"] == bench.supplier_of(other)["number"]
    assert bench.invoice_of(bill) == shown
    assert bench.history("bill", bill) == ["created", "deleted", "created"]


def test_a_bill_that_becomes_a_credit_is_made_anew_as_one(bench: Bench, bill: str) -> None:
    bench.change_lines(bill, bill_line("-10.00"))
    bench.sync()
    (shown,) = bench.invoices()
    assert (shown["documentType"], shown["amount"]) == ("DebitAdj", 10)


def test_a_released_document_is_not_moved(bench: Bench, bill: str) -> None:
    bench.sandbox.release_invoice(bench.company, number_of(bench, bill))
    bench.change_bill(bill, vendorId=bench.add_vendor(1))
    bench.sync()
    assert bench.state("bill", bill) == ("held", "invoice_released")
    assert len(bench.invoices()) == 1


# --- what people entered --------------------------------------------------------------------------------


@pytest.fixture
def supplier(bench: Bench, vendor: str) -> str:
    """The vendor's supplier."""
    bench.sync()
    return str(bench.supplier_of(vendor)["number"])


def test_an_equal_invoice_that_a_person_entered_becomes_ours(
    bench: Bench, vendor: str, supplier: str
) -> None:
    number = bench.add_invoice(supplier, " f-7 ", "100.00")
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    effects = bench.effects()
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.record("bill", bill).visma_number == number
    assert (bench.effects(), len(bench.invoices())) == (effects, 1), "adopting writes nothing"
    bench.change_bill(bill, dueDate="2026-12-15")
    bench.sync()
    assert bench.state("bill", bill) == ("held", "adopted_changed")
    assert bench.effects() == effects


UNEQUAL: dict[str, tuple[str, Json]] = {
    "another amount": ("99.00", {}),
    "another type": ("100.00", {"documentType": "DebitAdj"}),
    "another bill's marker": ("100.00", {"note": "BILL:00nANOTHERBILL000001"}),
}


@pytest.mark.parametrize("how", UNEQUAL)
def test_an_unequal_one_with_our_reference_is_for_a_person(
    bench: Bench, vendor: str, supplier: str, how: str
) -> None:
    amount, fields = UNEQUAL[how]
    number = bench.add_invoice(supplier, "F-7", amount, **fields)
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    bench.sync()
    assert bench.state("bill", bill) == ("held", "duplicate_reference")
    assert number in str(bench.record("bill", bill).detail)
    assert len(bench.invoices()) == 1


def test_nothing_is_adopted_where_the_tenant_says_so(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"adopt_existing": False})
    vendor = bench.add_vendor()
    bench.sync()
    bench.add_invoice(bench.supplier_of(vendor)["number"], "F-7", "100.00")
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    bench.sync()
    assert bench.state("bill", bill) == ("held", "duplicate_reference")


def test_a_document_with_our_marker_is_ours_whatever_it_shows(
    bench: Bench, vendor: str, supplier: str
) -> None:
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    number = bench.add_invoice(supplier, "F-7", "100.00", note=f"BILL:{bill}\nPO 1")
    bench.sync()
    assert (bench.record("bill", bill).visma_number, len(bench.invoices())) == (number, 1)


def test_two_documents_with_one_marker_are_doubled(bench: Bench, vendor: str, supplier: str) -> None:
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    numbers = [bench.add_invoice(supplier, f"F-7{x}", "100.00", note=f"BILL:{bill}") for x in "ab"]
    bench.sync()
    assert bench.state("bill", bill) == ("held", "doubled")
    assert all(number in str(bench.record("bill", bill).detail) for number in numbers)


def test_two_bills_of_one_number_stay_two(bench: Bench, vendor: str) -> None:
    bills = [bench.add_bill(vendor, "F-7", bill_line("100.00")) for _ in range(2)]
    bench.sync()
    assert [bench.state("bill", bill) for bill in bills] == [("synced", None)] * 2
    assert len({number_of(bench, bill) for bill in bills}) == 2


@pytest.mark.parametrize("how", ["delete", "void"])
def test_a_rival_that_a_person_took_away_holds_nobody(
    bench: Bench, vendor: str, supplier: str, how: str
) -> None:
    rival = bench.add_invoice(supplier, "F-7", "99.00")
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    bench.sync()
    assert bench.state("bill", bill) == ("held", "duplicate_reference")
    if how == "delete":
        bench.sandbox.delete_invoice(bench.company, rival)
    else:
        bench.sandbox.release_invoice(bench.company, rival)
        bench.sandbox.void_invoice(bench.company, rival)
    bench.pass_time(301)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.record("bill", bill).visma_number != rival


def test_of_two_with_one_marker_the_one_that_is_left_is_ours(
    bench: Bench, vendor: str, supplier: str
) -> None:
    bill = bench.add_bill(vendor, "F-7", bill_line("100.00"))
    first, second = (bench.add_invoice(supplier, f"F-7{x}", "100.00", note=f"BILL:{bill}") for x in "ab")
    bench.sync()
    assert bench.state("bill", bill) == ("held", "doubled")
    bench.sandbox.delete_invoice(bench.company, first)
    bench.pass_time(301)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.record("bill", bill).visma_number == second


def test_a_bill_whose_invoice_a_person_deleted_can_be_archived(bench: Bench, bill: str) -> None:
    bench.sandbox.delete_invoice(bench.company, number_of(bench, bill))
    bench.sandbox.archive_bill(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("ignored", None)
