"""What was carried over changes in BILL: corrected, renamed, deleted."""

from __future__ import annotations

from decimal import Decimal

from deploy.demo.clients import ACME, NORDWIND
from deploy.demo.day import Day, since
from deploy.demo.story import Proof


def correct_and_rename(day: Day) -> None:
    """A changed bill changes its document; a renamed vendor renames its supplier."""
    bill = day.get_bill(NORDWIND, "BT-903")
    vendor = day.get_vendor(NORDWIND, "Rønne Kontorforsyning ApS")
    document = day.get_document(NORDWIND, "BT-903")
    number = day.get_supplier(NORDWIND, vendor)["number"]
    line = {"id": bill["billLineItems"][0]["id"], "amount": Decimal("11980.00")}
    started = day.clock()
    with (
        day.expect_effect(NORDWIND, "updated", "supplierInvoice", document["referenceNumber"]),
        day.expect_effect(NORDWIND, "updated", "supplier", number),
    ):
        day.control.change_bill(NORDWIND.organization, bill["id"], billLineItems=[line])
        day.control.change_vendor(NORDWIND.organization, vendor["id"], name="Rønne Papir & Kontor ApS")
        day.tell(
            "Bill BT-903 was 500 kroner too high: someone corrects it in BILL. And Rønne Kontorforsyning "
            "has a new name."
        )
    day.tell(
        f"After {since(day, started)} the same document in Visma says 11 980.00, and the same supplier has "
        "its new name."
    )


def delete_bill(day: Day) -> None:
    """A deleted bill takes its document with it, as long as that is not released and nothing is paid."""
    bill = day.get_bill(ACME, "860")
    document = day.get_document(ACME, "860")
    started = day.clock()
    with day.expect_effect(ACME, "deleted", "supplierInvoice", document["referenceNumber"]):
        day.control.archive_bill(ACME.organization, bill["id"])
        day.tell(
            "Bill 860 was entered by mistake: it is deleted in BILL. In Visma nobody has released it yet."
        )
    day.tell(f"After {since(day, started)} its document is gone from Visma too.")
    day.story.promise("the deleted bill's document is gone", _prove_gone(document["referenceNumber"]))


def _prove_gone(number: str) -> Proof:
    return lambda books: [
        f"document {number} is still there"
        for one in books
        if one.client.id == ACME.id
        for invoice in one.invoices
        if invoice["referenceNumber"] == number
    ]
