"""A document in Visma beside our draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.visma.models import SupplierInvoice, SupplierInvoiceLine
from tests.unit.workers.samples import draft
from workers.sync.documents import differences, is_same_document

pytestmark = pytest.mark.unit

DRAFT = draft()
SHOWN = SupplierInvoice(
    document_type="Invoice",
    number="000357",
    supplier_number="50001",
    supplier_reference="F-1001",
    status="Balanced",
    hold=False,
    date=date(2026, 3, 15),
    currency_id="SEK",
    amount=Decimal("125.0000"),
    balance=None,
    note=None,
    etag="e",
    last_modified=None,
    fields={**DRAFT.header, "date": "2026-03-15T00:00:00", "note": "seen by Anna"},
    lines=tuple(
        SupplierInvoiceLine(number, Decimal(1), fields) for number, fields in enumerate(DRAFT.lines, start=1)
    ),
)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({}, True, id="the same"),
        pytest.param({"supplier_reference": " f-1001 "}, True, id="reference trimmed and case-folded"),
        pytest.param({"document_type": "DebitAdj"}, False, id="another type"),
        pytest.param({"supplier_number": "50002"}, False, id="another supplier"),
        pytest.param({"supplier_reference": "F-1002"}, False, id="another reference"),
        pytest.param({"supplier_reference": None}, False, id="no reference"),
        pytest.param({"currency_id": "EUR"}, False, id="another currency"),
        pytest.param({"amount": Decimal("125.01")}, False, id="another amount"),
    ],
)
def test_is_same_document(changes: dict[str, Any], same: bool) -> None:
    assert is_same_document(DRAFT, replace(SHOWN, **changes)) is same


def test_an_equal_document_has_no_differences() -> None:
    assert differences(DRAFT, SHOWN) == ()
    assert differences(DRAFT, replace(SHOWN, lines=())) == ()


def test_differences_are_told_in_words() -> None:
    other = replace(
        SHOWN,
        amount=Decimal("99.50"),
        fields={**SHOWN.fields, "dueDate": None},
        lines=(replace(SHOWN.lines[0], fields={**SHOWN.lines[0].fields, "accountNumber": "4000"}),),
    )
    assert differences(DRAFT, other) == (
        "dueDate: BILL 2026-04-14, Visma nothing",
        "amount in SEK: BILL 125.00, Visma 99.50",
        "line 1 accountNumber: BILL 5010, Visma 4000",
        "number of lines: BILL 2, Visma 1",
    )
