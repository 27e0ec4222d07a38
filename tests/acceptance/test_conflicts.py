"""Other people and other clocks: edits at the same moment, sessions and tokens that end in the middle."""

from __future__ import annotations

import pytest

from tests.acceptance.firm import Firm, difference

pytestmark = pytest.mark.acceptance


def test_a_supplier_edited_at_the_same_moment_keeps_both_edits(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    before = firm.calls()
    firm.control.add_fault(
        "race", system="visma", tenant=firm.company, method="PUT", change={"documentLanguage": "sv-SE"}
    )
    firm.control.change_vendor(firm.organization, vendor_id, name="Nytt Namn AB")
    firm.until(lambda: len(firm.effects()) == 3, "the person's edit and ours")
    firm.settle("vendor", vendor_id)

    (supplier,) = firm.suppliers()
    assert (supplier["name"], supplier["documentLanguage"]) == ("Nytt Namn AB", "sv-SE")
    assert difference(before, firm.calls())["PUT /v1/supplier/{supplier}"] == 2
    assert firm.count_calls("visma", "/v1/supplier/{supplier}", status=412) == 1


def test_an_invoice_edited_at_the_same_moment_keeps_both_edits(firm: Firm) -> None:
    bill_id = firm.sync_bill(firm.sync_vendor(), "F-1")
    firm.control.add_fault(
        "race", system="visma", tenant=firm.company, method="PUT", change={"paymentRefNo": "OCR 4711"}
    )
    firm.control.change_bill(firm.organization, bill_id, invoice={"invoiceNumber": "F-2"})
    firm.until(lambda: len(firm.effects()) == 4, "the person's edit and ours")
    firm.settle("bill", bill_id)

    (invoice,) = firm.invoices()
    assert (invoice["supplierReference"], invoice["paymentRefNo"]) == ("F-2", "OCR 4711")
    assert firm.count_calls("visma", "/{number}", status=412) == 1


def test_an_expired_session_and_token_cost_one_new_login_and_one_new_token(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    firm.sync_bill(vendor_id, "F-0")
    logins, tokens = firm.count_calls("bill", "/login"), firm.count_calls("token", "/token")
    firm.control.expire_sessions(firm.organization)
    firm.control.expire_tokens(firm.company)

    bills = [firm.create_bill(vendor_id, f"F-{number}") for number in range(1, 9)]
    for bill_id in bills:
        firm.settle("bill", bill_id)
    assert len(firm.invoices()) == 9
    assert len(firm.effects()) == 10, "nothing twice"
    assert firm.count_calls("bill", "/login") == logins + 1
    assert firm.count_calls("token", "/token") == tokens + 1
