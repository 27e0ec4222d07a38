"""An approved bill becomes one supplier invoice that shows what the bill shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox.jsonio import Json
from shared.store.records import Heard
from tests.integration.sync.conftest import EU, MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

GERMAN: Json = {
    "name": "Müller GmbH",
    "address": {"line1": "Weg 1", "zipOrPostalCode": "10115", "city": "Berlin", "country": "DE"},
    "billCurrency": "EUR",
    "additionalInfo": {"taxId": "DE123456789"},
}


def shown_lines(invoice: Json) -> list[tuple[Any, ...]]:
    return [
        (
            line["quantity"] * line["unitCostInCurrency"],
            line["account"]["number"],
            line["subaccount"]["subaccountNumber"],
            line["vatCode"]["id"],
            line["transactionDescription"],
        )
        for line in invoice["invoiceLines"]
    ]


def test_a_bill_becomes_a_supplier_invoice_field_by_field(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(
        vendor,
        "Å 2026/17",
        bill_line("1000.40", "4000", "100", description="Papper – A4"),
        bill_line("99.60", "5010", "200", quantity=Decimal("4"), price=Decimal("24.90"), description="Bläck"),
        description="Kontorsmaterial",
        purchaseOrderNumber="PO-9",
    )
    runs = bench.sync()
    assert [(run.kind, run.word) for run in runs] == [("vendor", "created"), ("bill", "created")]
    shown = bench.invoice_of(bill)
    assert (shown["documentType"], shown["status"]) == ("Invoice", "Balanced")
    assert shown["supplier"]["number"] == bench.supplier_of(vendor)["number"]
    assert (shown["supplierReference"], shown["description"]) == ("Å 2026/17", "Kontorsmaterial")
    days = [shown[name][:10] for name in ("date", "origInvoiceDate", "dueDate")]
    assert days == ["2026-10-31", "2026-10-31", "2026-11-30"]
    assert (shown["financialPeriod"], shown["currencyId"]) == ("202610", "SEK")
    assert (shown["paySelected"], shown["taxCalculationMode"]) == (False, "Gross")
    assert shown["amount"] == Decimal("1100.00")
    assert shown_lines(shown) == [
        (Decimal("1000.40"), "4000", "100", "25", "Papper – A4"),
        (Decimal("99.60"), "5010", "200", "12", "Bläck"),
    ]
    assert [line["quantity"] for line in shown["invoiceLines"]] == [1, 4]
    note = shown["note"].splitlines()
    assert note[:2] == [f"BILL:{bill}", "PO number: PO-9"]
    assert note[2].startswith("Approved by 006")
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.history("bill", bill) == ["created"]


def test_a_negative_bill_becomes_a_credit_with_its_signs_turned(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), "K-1", bill_line("-300.00"), bill_line("50.00"))
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["documentType"], shown["amount"]) == ("DebitAdj", Decimal("250.00"))
    assert [line["costInCurrency"] for line in shown["invoiceLines"]] == [
        Decimal("300.00"),
        Decimal("-50.00"),
    ]
    assert all(line["quantity"] > 0 for line in shown["invoiceLines"])


def test_without_vat_every_line_is_exempt_and_the_total_the_same(make_bench: MakeBench) -> None:
    bench = make_bench(mapping={"vat": "none"})
    bill = bench.add_bill(
        bench.add_vendor(), "N-1", bill_line("80.00"), bill_line("20.00", description="Moms")
    )
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["taxCalculationMode"], shown["amount"], shown["vatAmount"]) == ("Net", 100, 0)
    assert [line["vatCode"]["id"] for line in shown["invoiceLines"]] == ["0", "0"]


def test_a_bill_in_another_currency_keeps_its_amount_and_takes_visma_s_rate(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(**GERMAN), "RE-1", bill_line("1234.56"))
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["currencyId"], shown["amount"]) == ("EUR", Decimal("1234.56"))
    assert (shown["exchangeRate"], shown["balanceInCurrency"]) == (Decimal("11.25"), Decimal("1234.56"))
    assert (shown["taxCalculationMode"], shown["invoiceLines"][0]["vatCode"]["id"]) == ("Net", "21")
    assert shown["vatAmount"] == 0, "reverse charge adds nothing to what is owed"


def test_what_is_too_long_is_cut_and_whole_in_the_note(bench: Bench) -> None:
    number, text = "R" * 50, "Beskrivning " + "ö" * 300
    bill = bench.add_bill(
        bench.add_vendor(), number, bill_line("10.00", description=text), description="D" * 70
    )
    bench.sync()
    shown = bench.invoice_of(bill)
    assert (shown["supplierReference"], shown["description"]) == (number[:40], "D" * 40)
    assert shown["invoiceLines"][0]["transactionDescription"] == text[:255] + "…"
    for whole in (number, text, "D" * 70):
        assert whole in shown["note"]


def test_our_documents_are_left_on_hold_where_the_tenant_says_so(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"hold": True, "payments": "visma"})
    bill = bench.add_bill(bench.add_vendor())
    bench.sync()
    assert bench.invoice_of(bill)["status"] == "Hold"


# --- which bills, and when -------------------------------------------------------------------------


def test_a_bill_waits_for_its_approval(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), approvalStatus="UNASSIGNED")
    bench.sync()
    assert bench.state("bill", bill) == ("waiting", None)
    assert bench.invoices() == []
    bench.sandbox.approve_bill(bench.organization, bill)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.history("bill", bill) == ["waiting", "created"]


def test_an_approval_that_moves_no_time_is_seen_all_the_same(bench: Bench) -> None:
    bench.sandbox.organization_settings(bench.organization, approval_bumps_updated_time=False)
    bill = bench.add_bill(bench.add_vendor(), approvalStatus="UNASSIGNED")
    bench.sync()
    bench.sandbox.approve_bill(bench.organization, bill)
    bench.poll("visma", "waiting")
    bench.work_off()
    assert bench.state("bill", bill) == ("synced", None)


def test_a_bill_makes_its_vendor_go_first_whoever_is_heard_of_first(bench: Bench) -> None:
    bench.poll("visma")
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    bench.hear(Heard("bill", bill))
    assert [(run.kind, run.word) for run in bench.work_off()] == [
        ("bill", "waits: vendor_first"),
        ("vendor", "created"),
        ("bill", "created"),
    ]
    assert bench.record("vendor", vendor).state == "synced"


def test_an_archived_vendor_is_created_when_a_bill_asks_for_it(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sandbox.archive_vendor(bench.organization, vendor)
    bench.sync()
    assert bench.state("vendor", vendor) == ("ignored", None)
    bill = bench.add_bill(vendor)
    bench.sync()
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))


def test_a_vendor_that_bill_does_not_know_holds_its_bills_and_is_asked_for_once(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    unknown = {"system": "bill", "tenant": bench.organization, "status": 404, "code": "BDC_1205"}
    bench.sandbox.add_fault("status", route=rf"/v3/vendors/{vendor}$", times=None, **unknown)
    bench.poll("visma")
    bench.hear(Heard("bill", bill))
    assert [(run.kind, run.word) for run in bench.work_off()] == [
        ("bill", "waits: vendor_first"),
        ("vendor", "ignored"),
        ("bill", "held"),
    ]
    assert bench.state("bill", bill) == ("held", "vendor_held")
    assert vendor in str(bench.record("bill", bill).detail)
    bench.sync()  # now BILL lists it
    assert bench.state("bill", bill) == ("synced", None)


def test_a_held_vendor_holds_its_bills_and_frees_them(bench: Bench) -> None:
    one, other = (bench.add_supplier(name=name, corporateId="5566778899") for name in ("Ett", "Två"))
    vendor = bench.add_vendor(additionalInfo={"taxId": "SE556677889901"})
    bill = bench.add_bill(vendor)
    bench.sync()
    assert bench.state("bill", bill) == ("held", "vendor_held")
    bench.change_supplier(other, corporateId="")
    bench.pass_time(301)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["supplier"]["number"] == one


IGNORED: dict[str, Json] = {
    "a draft": {"draft": True},
    "denied": {"approvalStatus": "DENIED"},
    "too old": {"invoice": {"invoiceNumber": "F-1", "invoiceDate": "2025-12-31"}},
}


@pytest.mark.parametrize("why", IGNORED)
def test_what_is_not_carried_over(bench: Bench, why: str) -> None:
    bill = bench.add_bill(bench.add_vendor(), **IGNORED[why])
    bench.sync()
    assert bench.state("bill", bill) == ("ignored", None)
    assert bench.invoices() == []


HELD: dict[str, tuple[Json, str]] = {
    "zero": ({"billLineItems": [bill_line("10.00"), bill_line("-10.00")]}, "zero_amount"),
    "no number": ({"invoice": {"invoiceDate": "2026-10-31"}}, "missing_reference"),
    "a closed period": ({"invoice": {"invoiceNumber": "F-1", "invoiceDate": "2026-02-01"}}, "period_closed"),
    "no period": ({"invoice": {"invoiceNumber": "F-1", "invoiceDate": "2028-02-01"}}, "period_missing"),
    "an unmapped cost centre": ({"billLineItems": [bill_line("1.00", department="300")]}, "unmapped_segment"),
}


@pytest.mark.parametrize("why", HELD)
def test_what_a_person_must_mend_first(bench: Bench, why: str) -> None:
    fields, reason = HELD[why]
    bench.sandbox.set_period(bench.company, "202602", closed_in_general_ledger=True)
    bill = bench.add_bill(bench.add_vendor(), **fields)
    bench.sync()
    assert bench.state("bill", bill) == ("held", reason)
    assert bench.record("bill", bill).detail
    assert bench.invoices() == []


def test_a_foreign_vendor_of_a_country_without_an_entry_holds_its_bills(make_bench: MakeBench) -> None:
    bench = make_bench(mapping={"countries": {"DK": EU}})
    vendor = bench.add_vendor(**GERMAN)
    bill = bench.add_bill(vendor)
    bench.sync()
    assert bench.state("vendor", vendor) == ("synced", None)
    assert bench.state("bill", bill) == ("held", "foreign_vat")


def test_a_bill_without_a_rate_in_visma_is_held_and_freed(bench: Bench) -> None:
    vendor = bench.add_vendor(**{**GERMAN, "billCurrency": "USD"})
    bill = bench.add_bill(vendor)
    bench.sync()
    assert bench.state("bill", bill) == ("held", "no_exchange_rate")
    bench.sandbox.set_rate(bench.company, "USD", "10.50")
    bench.pass_time(301)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert len(bench.invoices()) == 1


def test_what_visma_refuses_for_a_cause_in_its_lists_is_held_with_our_words(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.add_bill(vendor, "F-0")
    bench.sync()
    bench.sandbox.set_account(bench.company, "4000", active=False)
    bill = bench.add_bill(vendor, "F-1")
    bench.sync()
    assert bench.state("bill", bill) == ("held", "inactive_account")
    bench.sandbox.set_account(bench.company, "4000", active=True)
    bench.pass_time(301)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)


def test_a_refusal_nobody_knows_is_a_dead_letter_after_one_post(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor())
    bench.poll()
    bench.sandbox.add_fault(
        "status", system="visma", tenant=bench.company, method="POST", route="supplierInvoices?$",
        status=400, message="Ett hittills okänt fel.", times=None,
    )  # fmt: skip
    bench.work_off()
    assert bench.state("bill", bill) == ("dead", None)
    assert "Ett hittills okänt fel." in str(bench.record("bill", bill).detail)
    posts = bench.sandbox.count_calls(system="visma", tenant=bench.company, method="POST", status=400)
    assert posts == 1


def test_a_bill_in_a_currency_its_supplier_does_not_take_is_held_and_freed(bench: Bench) -> None:
    number = bench.add_supplier(name="Müller GmbH")
    vendor = bench.add_vendor(**{**GERMAN, "additionalInfo": {}})
    bill = bench.add_bill(vendor)
    bench.sync()
    assert bench.record("vendor", vendor).visma_number == number
    assert bench.state("bill", bill) == ("held", "currency_mismatch")
    bench.change_supplier(number, currencyOverride=True)
    bench.pass_time(301)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["currencyId"] == "EUR"


def test_a_bill_for_a_supplier_that_visma_does_not_invoice_reaches_a_person(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bench.change_supplier(bench.supplier_of(vendor)["number"], status="OnHold")
    bill = bench.add_bill(vendor)
    bench.sync()
    assert bench.state("bill", bill)[0] in {"held", "dead"}
    assert "OnHold" in str(bench.record("bill", bill).detail)
    assert bench.invoices() == []
