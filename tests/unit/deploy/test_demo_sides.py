from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from deploy.demo.sides import Pair, pair_up
from deploy.demo.table import compare_table, show_amount
from deploy.sandbox.jsonio import Json
from tests.unit.deploy import demo_books as made

pytestmark = pytest.mark.unit


def the_pair(**changes: Any) -> Pair:
    (pair,) = pair_up(made.books(**changes), {})
    return pair


def shown(width: int, **changes: Any) -> str:
    books = made.books(**changes)
    console = Console(width=width, file=StringIO())
    with console.capture() as captured:
        console.print(compare_table([books], pair_up(books, {}), width))
    return captured.get()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"supplierReference": "G-2"}, "number"),
        ({"amount": Decimal("10.51")}, "amount"),
        ({"currencyId": "EUR"}, "currency"),
        ({"documentType": "DebitAdj"}, "type"),
        ({"origInvoiceDate": "2026-10-30T00:00:00"}, "date"),
        ({"dueDate": "2026-12-01T00:00:00"}, "due"),
        ({"supplier": {"number": "50001", "name": "Other AB"}}, "partner"),
        ({"invoiceLines": []}, "lines"),
        ({"invoiceLines": [made.line(account={"number": "4000"})]}, "lines"),
        ({"invoiceLines": [made.line(costInCurrency=Decimal("10.51"))]}, "lines"),
        ({"invoiceLines": [made.line(subaccount=None)]}, "lines"),
        ({"invoiceLines": [made.line(transactionDescription=None)]}, "lines"),
    ],
)
def test_every_field_that_differs_is_named(changes: Json, field: str) -> None:
    assert the_pair().list_differences() == []
    named = [
        text.partition(":")[0] for text in the_pair(invoices=[made.invoice(**changes)]).list_differences()
    ]
    assert field in named


def test_a_credit_is_a_debit_adjustment_with_its_signs_turned() -> None:
    line = {**made.bill()["billLineItems"][0], "amount": Decimal("-10.50")}
    credit = made.bill(amount=Decimal("-10.50"), billLineItems=[line])
    assert the_pair(bills=[credit], invoices=[made.invoice(documentType="DebitAdj")]).list_differences() == []
    assert the_pair(bills=[credit]).list_differences() != []


def test_a_document_belongs_to_the_bill_on_the_first_line_of_its_note() -> None:
    assert the_pair(invoices=[made.invoice(note=f"PO 1\nBILL:{made.BILL}")]).invoices == ()
    assert the_pair(invoices=[made.invoice(note=None)]).invoices == ()


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({}, ("=", "balanced", "50009 Åkes Glas AB", "Invoice 000001")),
        ({"invoices": [made.invoice(currencyId="EUR")]}, ("≠", "EUR")),
        ({"invoices": []}, ("≠", "synced")),
        ({"invoices": [made.invoice(), made.invoice(referenceNumber="000002")]}, ("≠", "000001, 000002")),
        (
            {"invoices": [], "records": [made.record(state="held", reason="no_supplier")]},
            ("·", "no_supplier"),
        ),
        ({"invoices": [], "bills": [made.bill(archived=True)]}, ("·", "deleted")),
        ({"bills": [made.bill(archived=True)]}, ("≠", "deleted")),
        ({"invoices": [], "bills": [made.bill(approvalStatus="UNASSIGNED")]}, ("·", "not approved")),
    ],
)
def test_the_table_marks_what_differs_and_says_why_nothing_is_there(
    changes: dict[str, Any], marks: tuple[str, ...]
) -> None:
    for width in (80, 160):
        text = shown(width, **changes)
        assert all(mark in text for mark in marks)
        assert sum(mark in text for mark in ("=", "≠", "·")) == 1


@pytest.mark.parametrize(
    ("amount", "text"), [("1234567.5", "1 234 567.50"), ("-118.75", "-118.75"), ("0", "0.00")]
)
def test_amounts_are_shown_to_the_cent(amount: str, text: str) -> None:
    assert show_amount(Decimal(amount)) == text
