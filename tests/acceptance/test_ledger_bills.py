"""Every rule of a bill, each broken by a bill of its own: held with its reason before anything is written,
told in words, and freed by itself when the mapping, Visma or BILL changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, Key, bill_line, open_books

pytestmark = pytest.mark.acceptance

NO_DEFAULT_ACCOUNT = ('account = "6540"\n', "")
NO_DEFAULT_SEGMENT = ('default = "000"\n', "")
RISKY = (
    '"5010" = "5010"\n',
    '"5010" = "5010"\n"5410" = "5999"\n"6540" = "7999"\n',
)
"""Accounts that are inactive, or take no manual entry."""
MORE_CATEGORIES = ('"5010" = "12"\n', '"5010" = "99"\n')
MORE_VALUES = ('"200" = "200" }', '"200" = "999" }')
BEFORE = (NO_DEFAULT_ACCOUNT, NO_DEFAULT_SEGMENT, RISKY, MORE_CATEGORIES, MORE_VALUES)
AFTER = (
    RISKY,
    MORE_CATEGORIES,
    MORE_VALUES,
    ("[mapping.credit_terms]", '[mapping.countries.OTHER]\nvat = "none"\n[mapping.credit_terms]'),
)
"""The defaults are back, and foreign vendors have an entry."""


def dated(day: str) -> Json:
    """An invoice of that day."""
    return {"invoiceNumber": f"B-{day}", "invoiceDate": day}


@dataclass(frozen=True)
class Case:
    """A bill that breaks one rule, and who mends it; without ``mend`` the mapping does."""

    reason: str
    bill: Json = field(default_factory=dict)
    vendor: Json = field(default_factory=dict)
    lines: tuple[Json, ...] = (bill_line("100.00"),)
    mend: Callable[[Books, str, str], object] | None = None


CASES = {
    "no account": Case("unmapped_account", lines=(bill_line("100.00", account=None),)),
    "inactive account": Case(
        "inactive_account",
        lines=(bill_line("100.00", account="5410"),),
        mend=lambda books, _, __: books.control.set_account(books.company, "5999", active=True),
    ),
    "account without manual entry": Case(
        "inactive_account",
        lines=(bill_line("100.00", account="6540"),),
        mend=lambda books, _, __: books.control.set_account(books.company, "7999", allow_manual_entry=True),
    ),
    "no cost centre": Case("unmapped_segment", lines=(bill_line("100.00", department="300"),)),
    "inactive cost centre": Case(
        "unknown_segment_value",
        lines=(bill_line("100.00", department="200"),),
        mend=lambda books, _, __: books.control.set_segment_value(books.company, 1, "999", active=True),
    ),
    "unknown VAT category": Case(
        "unknown_vat_category",
        lines=(bill_line("100.00", account="5010"),),
        mend=lambda books, _, __: books.control.set_vat_category(books.company, "99", description="Ny"),
    ),
    "period missing": Case(
        "period_missing",
        bill={"invoice": dated("2028-07-15")},
        mend=lambda books, _, __: books.control.set_period(
            books.company, "202901", start="2028-07-01", end="2028-07-31"
        ),
    ),
    "period closed": Case(
        "period_closed",
        bill={"invoice": dated("2026-05-05")},
        mend=lambda books, _, __: books.control.set_period(
            books.company, "202605", closed_in_supplier_ledger=False
        ),
    ),
    "no number": Case(
        "missing_reference",
        bill={"invoice": {"invoiceDate": "2026-10-31"}},
        mend=lambda books, _, bill_id: books.change_bill(bill_id, invoice={"invoiceNumber": "B-found"}),
    ),
    "zero": Case(
        "zero_amount",
        lines=(bill_line("100.00"), bill_line("-100.00")),
        mend=lambda books, _, bill_id: books.change_line(bill_id, 1, amount=Decimal("-40.00")),
    ),
    "no rate": Case(
        "no_exchange_rate",
        vendor={"billCurrency": "USD"},
        mend=lambda books, _, __: books.control.set_rate(books.company, "USD", "10.50"),
    ),
    "supplier of another currency": Case(
        "currency_mismatch",
        vendor={"name": "Valutabolaget AB", "additionalInfo": {}},
        mend=lambda books, vendor_id, __: books.control.change_supplier(
            books.company, books.supplier_of(vendor_id)["number"], currencyOverride=True
        ),
    ),
    "currency unknown in Visma": Case(
        "unknown_currency",
        vendor={"name": "Pundbolaget AB", "additionalInfo": {}, "billCurrency": "GBP"},
        mend=lambda books, vendor_id, __: books.control.change_vendor(
            books.organization, vendor_id, billCurrency="SEK"
        ),
    ),
    "foreign": Case(
        "foreign_vat",
        vendor={"address": {"line1": "Gate 1", "city": "Oslo", "zipOrPostalCode": "0150", "country": "NO"}},
    ),
}


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second; settings that hold whatever is not mapped."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("bills"), 12)
    opened.control.set_period(opened.company, "202605", closed_in_supplier_ledger=True)
    for name, currency in (("Valutabolaget AB", "EUR"), ("Pundbolaget AB", "SEK")):
        supplier = {"name": name, "supplierClassId": "1", "currencyId": currency}
        opened.control.create_supplier(opened.company, supplier)
    opened.apply_file(*BEFORE, poll_interval_s=1)
    opened.walk("visma")
    yield opened
    opened.pause()


@pytest.fixture(scope="module")
def entered(books: Books) -> dict[str, tuple[str, str]]:
    """Vendor and bill of every case."""
    found = {}
    for place, (name, case) in enumerate(CASES.items()):
        vendor_id = books.create_vendor(place, **case.vendor)
        fields: dict[str, Any] = {"billLineItems": list(case.lines), **case.bill}
        found[name] = vendor_id, books.create_bill(vendor_id, f"B-{place}", **fields)
    return found


def test_each_broken_rule_holds_its_bill_before_any_write(
    books: Books, entered: dict[str, tuple[str, str]]
) -> None:
    wanted: dict[Key, tuple[str, str | None]] = {
        ("bill", bill_id): ("held", CASES[name].reason) for name, (_, bill_id) in entered.items()
    }
    books.expect(wanted)
    books.apply_file(*BEFORE, poll_interval_s=3600)  # none is judged anew while it is looked at
    books.rest()
    books.expect(wanted)
    assert books.invoices() == []
    assert ("created", "supplierInvoice") not in books.our_effects()

    told = {one["bill_id"]: one for one in books.ask("records", "list", books.id, "--state", "held")}
    assert set(told) == {bill_id for _, bill_id in entered.values()}
    for name, (_, bill_id) in entered.items():
        assert len(told[bill_id]["detail"]) > 20, name
        shown = books.command("records", "show", books.id, "bill", bill_id).output
        assert CASES[name].reason in shown and "next" in shown and "meaning" in shown
    (status,) = books.ask("status", books.id)
    counted = Counter({one["reason"]: one["count"] for one in status["reasons"]})
    assert counted == Counter(case.reason for case in CASES.values())
    text = books.command("status", books.id).output
    assert all(one["meaning"] in text and one["next"] in text for one in status["reasons"])


def test_what_was_mended_in_the_mapping_visma_or_bill_goes_by_itself(
    books: Books, entered: dict[str, tuple[str, str]]
) -> None:
    books.apply_file(*BEFORE, poll_interval_s=1)
    for name, (vendor_id, bill_id) in entered.items():
        if (mend := CASES[name].mend) is not None:
            mend(books, vendor_id, bill_id)
    mended = [bill_id for name, (_, bill_id) in entered.items() if CASES[name].mend]
    books.expect_all("bill", mended, "synced")
    left = [bill_id for name, (_, bill_id) in entered.items() if not CASES[name].mend]
    assert {state for state, _ in books.states(("bill", each) for each in left).values()} <= {"held"}

    books.apply_file(*AFTER, poll_interval_s=1)
    books.expect_all("bill", left, "synced")
    assert len(books.invoices()) == len(CASES)
    of = {name: books.invoice_of(bill_id) for name, (_, bill_id) in entered.items()}
    assert of["period missing"]["financialPeriod"] == "202901"  # the year of Visma's own calendar
    assert of["no account"]["invoiceLines"][0]["account"]["number"] == "6540"
    assert of["foreign"]["vatAmount"] == 0
    assert of["zero"]["amount"] == 60


def test_a_closed_period_goes_to_the_next_open_one_where_that_is_wanted(books: Books) -> None:
    for key, closed in (("202603", True), ("202604", True), ("202605", False)):
        flags = {"closed_in_general_ledger": closed, "closed_in_supplier_ledger": closed}
        books.control.set_period(books.company, key, **flags)
    bill_id = books.create_bill(books.create_vendor(50), "P-1", invoice=dated("2026-03-10"))
    books.expect({("bill", bill_id): ("held", "period_closed")})
    books.apply_file(poll_interval_s=1, closed_period="next_open")
    books.settle("bill", bill_id)
    invoice = books.invoice_of(bill_id)
    assert invoice["financialPeriod"] == "202605"
    assert invoice["date"].startswith("2026-03-10")
    assert "2026-03-10" in invoice["note"] and "202603" in invoice["note"]


def test_which_bills_go_which_wait_and_which_are_ignored(books: Books) -> None:
    vendor_id = books.create_vendor(51)
    wanted: dict[Key, tuple[str, str | None]] = {}
    said = {}
    for state, words, fields in (
        ("ignored", "bills_since", {"invoice": dated("2025-12-31")}),
        ("ignored", "draft", {"draft": True, "approvalStatus": None}),
        ("ignored", "denied", {"approvalStatus": "DENIED"}),
        ("waiting", "ASSIGNED", {"approvalStatus": "ASSIGNED"}),
        ("waiting", "UNASSIGNED", {"approvalStatus": "UNASSIGNED"}),
    ):
        bill_id = books.create_bill(vendor_id, f"W-{len(wanted)}", **fields)
        wanted["bill", bill_id] = (state, None)
        said["bill", bill_id] = words
    deleted = books.create_bill(vendor_id, "W-9", draft=True, approvalStatus=None)
    books.control.archive_bill(books.organization, deleted)
    wanted["bill", deleted] = ("ignored", None)
    books.expect(wanted)
    for key, words in said.items():
        assert words in books.detail(*key)
    assert not any(books.invoices_of(bill_id) for _, bill_id in wanted)

    [draft] = [key for key, words in said.items() if words == "draft"]
    books.control.activate_bill(books.organization, draft[1])
    books.control.approve_bill(books.organization, draft[1])
    books.settle(*draft)


def test_signs_stay_what_they_are(books: Books) -> None:
    vendor_id = books.create_vendor(52)
    negative = books.create_bill(vendor_id, "S-1", billLineItems=[bill_line("-300.00"), bill_line("-20.50")])
    mixed = books.create_bill(vendor_id, "S-2", billLineItems=[bill_line("300.00"), bill_line("-20.50")])
    books.expect_all("bill", [negative, mixed], "synced")
    turned, kept = books.invoice_of(negative), books.invoice_of(mixed)
    assert (turned["documentType"], turned["amount"]) == ("DebitAdj", Decimal("320.50"))
    assert [line["costInCurrency"] for line in turned["invoiceLines"]] == [300, Decimal("20.50")]
    assert (kept["documentType"], kept["amount"]) == ("Invoice", Decimal("279.50"))
    assert [line["costInCurrency"] for line in kept["invoiceLines"]] == [300, Decimal("-20.50")]
    assert {turned["paySelected"], kept["paySelected"]} == {False}

    books.control.company_settings(books.company, refuse_negative_unit_cost=True)
    refused = books.create_bill(vendor_id, "S-3", billLineItems=[bill_line("300.00"), bill_line("-5.00")])
    books.expect({("bill", refused): ("held", "mixed_signs")})
    books.control.company_settings(books.company, refuse_negative_unit_cost=False)
    books.settle("bill", refused)


def test_a_supplier_in_a_currency_that_visma_lacks_is_held_and_no_dead_letter(books: Books) -> None:
    vendor_id = books.create_vendor(53, billCurrency="CHF")
    bill_id = books.create_bill(vendor_id, "C-1")
    books.expect(
        {("vendor", vendor_id): ("held", "unknown_currency"), ("bill", bill_id): ("held", "vendor_held")}
    )
    books.control.change_vendor(books.organization, vendor_id, billCurrency="SEK")
    books.expect_all("bill", [bill_id], "synced")
