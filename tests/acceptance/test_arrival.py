"""The main path on real processes: what BILL tells by webhook stands in Visma, once and right."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from tests.acceptance.firm import Firm, difference

pytestmark = pytest.mark.acceptance

LIMIT_S = 10.0
"""Generous, for busy machines; at idle it is far below the two seconds that are promised."""

TWO_LINES = [
    {
        "amount": Decimal("800.00"),
        "quantity": Decimal("4"),
        "price": Decimal("200.00"),
        "description": "Pärmar, A4 – blå",
        "classifications": {
            "chartOfAccountId": seeds.account_id(seeds.SWEDEN, "4000"),
            "departmentId": seeds.department_id(seeds.SWEDEN, "200"),
        },
    },
    {
        "amount": Decimal("450.50"),
        "description": "Lokalhyra november",
        "classifications": {"chartOfAccountId": seeds.account_id(seeds.SWEDEN, "5010")},
    },
]


def test_a_vendor_and_an_approved_bill_become_one_supplier_and_one_invoice(firm: Firm) -> None:
    began = time.monotonic()
    vendor_id = firm.create_vendor(paymentTermId="0pt30")
    bill_id = firm.create_bill(
        vendor_id, "2026-1001", billLineItems=TWO_LINES, description="Kontor", purchaseOrderNumber="PO-77"
    )
    firm.control.wait("invoices", company=firm.company, timeout_s=LIMIT_S)
    arrived_s = time.monotonic() - began
    print(f"from BILL to Visma in {arrived_s:.2f} s")

    assert firm.settle("vendor", vendor_id)["visma_number"] == firm.suppliers()[0]["number"]
    assert firm.settle("bill", bill_id)["visma_number"] == firm.invoices()[0]["referenceNumber"]
    assert [kind for kind, *_ in firm.effects()] == ["created", "created"]
    assert arrived_s < LIMIT_S
    check_supplier(firm.suppliers()[0], vendor_id)
    check_invoice(firm.invoices()[0], bill_id)


def check_supplier(supplier: Json, vendor_id: str) -> None:
    """The vendor as MAPPING wants it, written out."""
    shown = {name: supplier[name] for name in ("name", "accountReference", "status", "currencyId", "note")}
    assert shown == {
        "name": "Kontorsvaror i Åmål AB",
        "accountReference": vendor_id,
        "status": "Active",
        "currencyId": "SEK",
        "note": None,
    }
    assert supplier["supplierClass"]["id"] == "1"
    assert supplier["creditTerms"]["id"] == "30"
    assert (supplier["vatRegistrationId"], supplier["corporateId"]) == ("SE556000000001", None)
    address = {name: value for name, value in supplier["mainAddress"].items() if name != "addressId"}
    assert address == {
        "addressLine1": "Järnvägsgatan 3",
        "addressLine2": None,
        "addressLine3": None,
        "postalCode": "662 31",
        "city": "Åmål",
        "country": {"id": "SE", "name": "Sverige"},
        "county": None,
    }
    contact = {name: supplier["mainContact"][name] for name in ("name", "email", "phone1")}
    assert contact == {
        "name": "Kontorsvaror i Åmål AB",
        "email": "faktura0@example.com",
        "phone1": "+46 31 100000",
    }
    assert supplier["supplierPaymentMethodDetails"] == []


def check_invoice(invoice: Json, bill_id: str) -> None:
    """The bill as MAPPING wants it, written out."""
    header = {
        "documentType": "Invoice",
        "supplierReference": "2026-1001",
        "status": "Balanced",
        "hold": False,
        "date": "2026-10-31T00:00:00",
        "origInvoiceDate": "2026-10-31T00:00:00",
        "dueDate": "2026-11-30T00:00:00",
        "financialPeriod": "202610",
        "currencyId": "SEK",
        "paySelected": False,
        "description": "Kontor",
        "taxCalculationMode": "Gross",
        "attachments": [],
    }
    assert {name: invoice[name] for name in header} == header
    assert invoice["supplier"]["number"] == "50001"
    assert invoice["creditTerms"]["id"] == "30"
    assert invoice["branchNumber"]["number"] == "1"
    assert Decimal(invoice["amount"]) == Decimal("1250.50")
    # 25 % in 800.00 and 12 % in 450.50
    assert Decimal(invoice["vatAmount"]) == Decimal("160.00") + Decimal("48.27")
    assert Decimal(invoice["balance"]) == Decimal("1250.50")
    note = invoice["note"].split("\n")
    assert note[:2] == [f"BILL:{bill_id}", "PO number: PO-77"]
    assert note[2].startswith("Approved by 006") and len(note) == 3
    assert [line_of(line) for line in invoice["invoiceLines"]] == [
        (1, "Pärmar, A4 – blå", Decimal(4), Decimal(200), Decimal("800.00"), "4000", ["200"], "25", "1"),
        (
            2,
            "Lokalhyra november",
            Decimal(1),
            Decimal("450.50"),
            Decimal("450.50"),
            "5010",
            ["000"],
            "12",
            "1",
        ),
    ]


def line_of(line: Json) -> tuple[object, ...]:
    """What a line says, in a row."""
    return (
        line["lineNumber"],
        line["transactionDescription"],
        Decimal(line["quantity"]),
        Decimal(line["unitCostInCurrency"]),
        Decimal(line["costInCurrency"]),
        line["account"]["number"],
        [segment["segmentValue"] for segment in line["subaccount"]["segments"]],
        line["vatCode"]["id"],
        line["branchNumber"]["number"],
    )


def test_a_bill_costs_one_read_at_bill_and_two_calls_at_visma(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    firm.sync_bill(vendor_id, "F-0")
    before = firm.calls()

    bill_id = firm.sync_bill(vendor_id, "F-1", amount="100.00")
    created = difference(before, firm.calls())
    assert sum(count for call, count in created.items() if "/v3/" in call) <= 1, created
    assert sum(count for call, count in created.items() if "/v1/" in call) <= 2, created

    before = firm.calls()
    lines = firm.control.organization_state(firm.organization, "bills")[-1]["billLineItems"]
    changed = [{"id": lines[0]["id"], "amount": Decimal("175.00")}]
    firm.control.change_bill(firm.organization, bill_id, billLineItems=changed)
    firm.until(lambda: firm.effects()[-1][:2] == ("updated", "supplierInvoice"), "the new amount")
    firm.settle("bill", bill_id)
    updated = difference(before, firm.calls())
    assert Decimal(firm.invoices()[-1]["amount"]) == Decimal("175.00")
    assert sum(count for call, count in updated.items() if "/v3/" in call) <= 1, updated
    assert sum(count for call, count in updated.items() if "/v1/" in call) <= 2, updated
