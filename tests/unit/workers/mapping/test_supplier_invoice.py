"""Bill -> supplier invoice, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from shared.bill.models import Approver, Bill, BillLine, Vendor
from shared.fields import FieldValue
from shared.tenants import CountryMapping, SegmentMapping, TenantConfig
from shared.visma.models import FinancialPeriod
from tests.unit.workers.samples import (
    BILL,
    CONFIG,
    LISTS,
    VENDOR,
    bill,
    body,
    draft,
    mapping,
    month,
    one_line,
    sync,
    vendor,
    visma_lists,
)
from workers.mapping.supplier_invoice import create_hold

pytestmark = pytest.mark.unit

ABROAD = vendor(country="DK")
CREDIT = bill(
    amount=Decimal("-75.00"),
    lines=(BillLine(None, Decimal("-100.00")), BillLine(None, Decimal("25.00"))),
)


@pytest.mark.parametrize(
    ("of", "by", "config", "field", "expected"),
    [
        pytest.param(BILL, VENDOR, CONFIG, "documentType", "Invoice", id="documentType"),
        pytest.param(CREDIT, VENDOR, CONFIG, "documentType", "DebitAdj", id="negative total: DebitAdj"),
        pytest.param(BILL, VENDOR, CONFIG, "supplierNumber", "50001", id="supplierNumber"),
        pytest.param(BILL, VENDOR, CONFIG, "supplierReference", "F-1001", id="supplierReference"),
        pytest.param(
            bill(invoice_number="9" * 41), VENDOR, CONFIG, "supplierReference", "9" * 40, id="reference cut"
        ),
        pytest.param(BILL, VENDOR, CONFIG, "date", "2026-03-15", id="date"),
        pytest.param(BILL, VENDOR, CONFIG, "origInvoiceDate", "2026-03-15", id="origInvoiceDate"),
        pytest.param(BILL, VENDOR, CONFIG, "financialPeriod", "202603", id="financialPeriod"),
        pytest.param(BILL, VENDOR, CONFIG, "dueDate", "2026-04-14", id="dueDate"),
        pytest.param(bill(due_date=None), VENDOR, CONFIG, "dueDate", None, id="no due date"),
        pytest.param(BILL, vendor(bill_currency="EUR"), CONFIG, "currencyId", "EUR", id="vendor's currency"),
        pytest.param(
            BILL, vendor(bill_currency=None), CONFIG, "currencyId", "SEK", id="else mapping.currency"
        ),
        pytest.param(BILL, VENDOR, CONFIG, "exchangeRate", None, id="exchangeRate not sent"),
        pytest.param(BILL, VENDOR, CONFIG, "creditTermsId", "30", id="creditTermsId"),
        pytest.param(BILL, VENDOR, CONFIG, "paySelected", False, id="paySelected false: BILL pays"),
        pytest.param(BILL, VENDOR, sync(payments="visma"), "paySelected", None, id="paySelected not sent"),
        pytest.param(BILL, VENDOR, CONFIG, "branchNumber", None, id="no branch"),
        pytest.param(BILL, VENDOR, mapping(branch="7"), "branchNumber", "7", id="branchNumber"),
        pytest.param(BILL, VENDOR, CONFIG, "description", "Fika i mars", id="description"),
        pytest.param(bill(description=" "), VENDOR, CONFIG, "description", "F-1001", id="else the reference"),
        pytest.param(
            bill(description="å" * 41), VENDOR, CONFIG, "description", "å" * 40, id="description cut"
        ),
        pytest.param(BILL, VENDOR, CONFIG, "hold", None, id="hold is set when it is created"),
        pytest.param(BILL, VENDOR, CONFIG, "taxCalculationMode", "Gross", id="gross VAT"),
        pytest.param(BILL, VENDOR, mapping(vat="none"), "taxCalculationMode", "Net", id="no VAT"),
        pytest.param(BILL, ABROAD, CONFIG, "taxCalculationMode", "Net", id="the EU entry's VAT"),
        pytest.param(
            BILL,
            vendor(country="NO"),
            CONFIG,
            "taxCalculationMode",
            "Gross",
            id="entry without a VAT of its own",
        ),
    ],
)
def test_each_header_field(
    of: Bill, by: Vendor, config: TenantConfig, field: str, expected: FieldValue
) -> None:
    assert draft(of, by=by, config=config).header.get(field) == expected


@pytest.mark.parametrize(
    ("settings", "held"),
    [({}, False), ({"hold": True}, True), ({"release_invoices": True}, True)],
    ids=["false", "true with sync.hold", "true until the amounts are verified"],
)
def test_hold(settings: dict[str, Any], held: bool) -> None:
    assert create_hold(sync(**settings)) is held


def decimal(text: str | None) -> Decimal | None:
    """The number, if there is one."""
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "expected"),
    [
        pytest.param("4", "25.00", "100.00", ("4", "25.00"), id="both multiply exactly"),
        pytest.param("3", "33.33", "100.00", ("1", "100.00"), id="they do not: quantity 1"),
        pytest.param("4", None, "100.00", ("1", "100.00"), id="no price"),
        pytest.param(None, "25.00", "100.00", ("1", "100.00"), id="no quantity"),
        pytest.param("0", "0", "0.00", ("1", "0.00"), id="quantity zero"),
        pytest.param("-4", "25.00", "-100.00", ("4", "-25.00"), id="negative quantity stays positive"),
        pytest.param("4", "-25.00", "-100.00", ("4", "-25.00"), id="negative price"),
        pytest.param(None, None, "-100.00", ("1", "-100.00"), id="negative line"),
        pytest.param("1E+99", "1E-97", "100", ("1E+99", "1E-97"), id="exact beyond any default precision"),
        pytest.param(
            "3.0000000000000000000000000000000001", "1", "3", ("1", "3"), id="never equal by rounding"
        ),
    ],
)
def test_quantity_and_unit_cost(
    quantity: str | None, price: str | None, amount: str, expected: tuple[str, str]
) -> None:
    line = BillLine(None, Decimal(amount), decimal(quantity), decimal(price))
    other = BillLine(None, Decimal("1000") - Decimal(amount))
    first = draft(bill(amount=Decimal(1000), lines=(line, other))).lines[0]
    assert (str(first["quantity"]), str(first["unitCostInCurrency"])) == expected


def test_a_credit_has_all_signs_turned() -> None:
    credit = draft(CREDIT)
    assert [(line["quantity"], line["unitCostInCurrency"]) for line in credit.lines] == [
        (Decimal(1), Decimal("100.00")),
        (Decimal(1), Decimal("-25.00")),
    ]
    assert (credit.document_type, credit.total) == ("DebitAdj", Decimal("75.00"))


@pytest.mark.parametrize(
    ("line", "config", "field", "expected"),
    [
        pytest.param({"description": "Te"}, CONFIG, "transactionDescription", "Te", id="description"),
        pytest.param({}, CONFIG, "transactionDescription", "Fika i mars", id="else the bill's"),
        pytest.param(
            {"description": "x" * 257}, CONFIG, "transactionDescription", "x" * 255 + "…", id="over 256"
        ),
        pytest.param({"account": "0ca-rent"}, CONFIG, "accountNumber", "5010", id="account by id"),
        pytest.param(
            {"account": "0ca-rent"},
            mapping(accounts={"0ca-rent": "5010", "6100": "5420", "Rent": "4000"}),
            "accountNumber",
            "5010",
            id="id before number",
        ),
        pytest.param(
            {"account": "0ca-rent"},
            mapping(accounts={"6100": "5420", "Rent": "4000"}),
            "accountNumber",
            "5420",
            id="then by account number",
        ),
        pytest.param(
            {"account": "0ca-rent"},
            mapping(accounts={"Rent": "5420"}),
            "accountNumber",
            "5420",
            id="then by name",
        ),
        pytest.param({"account": "0ca-travel"}, CONFIG, "accountNumber", "4000", id="else mapping.account"),
        pytest.param({}, CONFIG, "accountNumber", "4000", id="no account in BILL"),
        pytest.param({"department": "0de-sales"}, CONFIG, "subaccount.1", "100", id="segment by id"),
        pytest.param(
            {"department": "0de-depot"},
            mapping(segments=(SegmentMapping(1, "departmentId", {"D": "200", "Depot": "100"}),)),
            "subaccount.1",
            "200",
            id="then short name",
        ),
        pytest.param(
            {"department": "0de-depot"},
            mapping(segments=(SegmentMapping(1, "departmentId", {"Depot": "200"}),)),
            "subaccount.1",
            "200",
            id="then name",
        ),
        pytest.param({"department": "0de-depot"}, CONFIG, "subaccount.1", "000", id="else default"),
        pytest.param({"account": "0ca-rent"}, CONFIG, "vatCodeId", "25", id="VAT category of the account"),
        pytest.param({}, CONFIG, "vatCodeId", "1", id="else mapping.vat_category"),
        pytest.param(
            {"account": "0ca-rent"}, mapping(vat="none"), "vatCodeId", "0", id="none: exempt on every line"
        ),
        pytest.param({}, mapping(branch="7"), "branchNumber", "7", id="branch"),
    ],
)
def test_each_line_field(
    line: dict[str, str], config: TenantConfig, field: str, expected: FieldValue
) -> None:
    keys = {"account": "chartOfAccountId", "department": "departmentId"}
    classifications = {keys[name]: value for name, value in line.items() if name in keys}
    of = one_line(description=line.get("description"), classifications=classifications)
    assert draft(of, config=config).lines[0].get(field) == expected


@pytest.mark.parametrize(
    ("entry", "line_categories"),
    [
        pytest.param(CountryMapping(vat="none", vat_category="21"), ["21", "21"], id="in place of exempt"),
        pytest.param(CountryMapping(vat="none"), ["0", "0"], id="none without a category: exempt"),
        pytest.param(CountryMapping(vat_category="21"), ["25", "21"], id="in place of the default"),
        pytest.param(CountryMapping(), ["25", "1"], id="as at home"),
    ],
)
def test_vat_categories_of_foreign_vendors(entry: CountryMapping, line_categories: list[str]) -> None:
    config = mapping(countries={"EU": entry})
    assert [line["vatCodeId"] for line in draft(by=ABROAD, config=config).lines] == line_categories


def test_a_classification_missing_on_the_line_is_the_headers() -> None:
    of = bill(classifications={"chartOfAccountId": "0ca-travel", "departmentId": "0de-sales"})
    drafted = draft(of, config=mapping(accounts={"0ca-rent": "5010", "0ca-travel": "5420"}))
    assert [(line["accountNumber"], line["subaccount.1"]) for line in drafted.lines] == [
        ("5010", "100"),
        ("5420", "100"),
    ]


def test_the_note_has_the_marker_first_then_what_an_accountant_looks_for() -> None:
    stockholm = timezone(timedelta(hours=2))
    of = bill(
        invoice_number="R" * 41,
        description="D" * 41,
        lines=(BillLine(None, Decimal("125.00"), description="L" * 257),),
        approvers=(
            Approver("006-bo", "APPROVED", 2, datetime(2026, 3, 17, 1, 5, tzinfo=stockholm)),
            Approver("006-anna", "APPROVED", 1),
            Approver("006-carl", "WAITING", 3),
        ),
    )
    assert str(draft(of).header["note"]).splitlines() == [
        "BILL:00n-bill",
        "PO number: PO-7",
        "Approved by 006-anna",
        "Approved by 006-bo on 2026-03-16 23:05 UTC",
        "Reference in full: " + "R" * 41,
        "Description in full: " + "D" * 41,
        "Line 1 in full: " + "L" * 257,
    ]


def test_the_note_of_a_plain_bill_is_the_marker() -> None:
    assert draft(bill(purchase_order_number=None, approvers=())).header["note"] == "BILL:00n-bill"


BROKEN_YEAR = (
    FinancialPeriod("202611", date(2026, 3, 1), date(2026, 3, 31), True, False),
    FinancialPeriod("202612", date(2026, 4, 1), date(2026, 4, 30), True, False),
)
EXCLUSIVE_ENDS = tuple(
    replace(period, end=period.end + timedelta(days=1)) for period in (month(2), month(3), month(4))
)
CLOSING = FinancialPeriod("202613", date(2026, 3, 31), date(2026, 3, 31), True, False)


@pytest.mark.parametrize(
    ("day", "periods", "expected"),
    [
        pytest.param(date(2026, 3, 15), BROKEN_YEAR, "202611", id="years may be broken"),
        pytest.param(date(2026, 3, 31), LISTS.periods, "202603", id="last day, inclusive ends"),
        pytest.param(date(2026, 3, 1), EXCLUSIVE_ENDS, "202603", id="first day, exclusive ends"),
        pytest.param(date(2026, 3, 31), (*LISTS.periods, CLOSING), "202603", id="not a closing period"),
        pytest.param(date(2026, 3, 31), (CLOSING,), "202613", id="unless it is all there is"),
    ],
)
def test_the_period_that_holds_the_date(
    day: date, periods: tuple[FinancialPeriod, ...], expected: str
) -> None:
    drafted = draft(bill(invoice_date=day), visma=visma_lists(periods=periods))
    assert drafted.header["financialPeriod"] == expected


def test_next_open_posts_later_and_keeps_the_document_date() -> None:
    periods = (month(3, closed=True), month(4, active=False), month(5), month(6))
    drafted = draft(config=sync(closed_period="next_open"), visma=visma_lists(periods=periods))
    assert (drafted.header["financialPeriod"], drafted.header["date"]) == ("202605", "2026-03-15")
    assert "Dated 2026-03-15, posted into period 202605" in str(drafted.header["note"])
    assert any("202605" in note for note in drafted.notes)


def test_what_was_written_is_not_judged_again_when_a_period_closes() -> None:
    written = body(draft())
    closed = visma_lists(periods=(month(3, closed=True), month(4)), accounts={})
    assert draft(visma=closed, written=written).is_written(written)


def test_a_document_keeps_the_period_it_was_posted_into_while_that_is_open() -> None:
    late = sync(closed_period="next_open")
    shut = visma_lists(periods=(month(3, closed=True), month(4), month(5)))
    written = body(draft(config=late, visma=shut))
    changed = draft(bill(description="Fika i april"), config=late, visma=LISTS, written=written)
    assert changed.header["financialPeriod"] == "202604"
    moved = draft(bill(invoice_date=date(2026, 5, 2)), config=late, visma=LISTS, written=written)
    assert moved.header["financialPeriod"] == "202605"
    shut_again = visma_lists(periods=(month(3, closed=True), month(4, closed=True), month(5)))
    later = draft(bill(description="Fika i april"), config=late, visma=shut_again, written=written)
    assert later.header["financialPeriod"] == "202605"


def test_a_change_shows_as_not_written() -> None:
    written = body(draft())
    assert not draft(bill(description="Anna"), written=written).is_written(written)
    assert not draft(one_line(), written=written).is_written(written)
    assert not draft(config=mapping(branch="7"), written=written).is_written(written)


def test_unchecked_tells_the_difference_without_judging_visma() -> None:
    nothing = visma_lists(accounts={}, segments={}, vat_categories={}, currencies={}, periods=())
    drafted = draft(visma=nothing, checked=False)
    assert drafted.total == Decimal("125.00")
    assert "financialPeriod" not in drafted.header
