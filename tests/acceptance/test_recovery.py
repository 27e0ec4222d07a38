"""What BILL could not deliver is fetched from its log, by command and by itself; a person links by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.firm import Firm
from tests.command_line import run

pytestmark = pytest.mark.acceptance


def connector(firm: Firm, *words: str) -> str:
    """What a command that succeeds prints."""
    done = run(dict(firm.stage.composition.environ), *words)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def webhook_status(firm: Firm) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(connector(firm, "webhook", "status", firm.id, "--json"))
    return found


def test_what_was_never_delivered_is_counted_and_fetched(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    firm.control.add_fault("drop_hook", tenant=firm.organization, times=None)
    bills = [firm.create_bill(vendor_id, f"F-{number}") for number in range(2)]
    before = webhook_status(firm)
    assert (before["enabled"], before["missing"], before["listed"]) == (True, 2, 3)

    said = connector(firm, "webhook", "recover", firm.id)
    assert "missing 2 of 3; fetched" in said
    for bill in bills:
        firm.settle("bill", bill)
    assert "missing 0 of 3" in connector(firm, "webhook", "status", firm.id)
    assert webhook_status(firm)["last_recovery_at"] is not None


def test_a_subscription_that_bill_switched_off_comes_back_by_itself(firm: Firm) -> None:
    firm.control.add_fault("disable_hook", tenant=firm.organization)
    vendor_id = firm.create_vendor()
    firm.control.wait("disabled", organization=firm.organization)
    firm.apply()  # makes the hourly comparison due, as the hour does
    firm.settle("vendor", vendor_id)
    firm.control.wait("enabled", organization=firm.organization)
    assert webhook_status(firm)["missing"] == 0


def test_a_vendor_linked_by_hand_takes_its_bills_along(firm: Firm) -> None:
    firm.apply(unmatched_vendors="hold")
    number = str(
        firm.control.create_supplier(firm.company, {"name": "Helt annat", "supplierClassId": "1"})["number"]
    )
    vendor_id = firm.create_vendor()
    bills = [firm.create_bill(vendor_id, f"F-{each}") for each in range(2)]
    for bill in bills:
        firm.settle("bill", bill, "held")

    said = connector(firm, "link", firm.id, vendor_id, number)
    assert "2 bills that waited for it go on" in said
    for bill in bills:
        firm.settle("bill", bill)
    assert {one["supplier"]["number"] for one in firm.invoices()} == {number}
    shown = connector(firm, "records", "show", firm.id, "vendor", vendor_id)
    assert "linked_by_hand" in shown
