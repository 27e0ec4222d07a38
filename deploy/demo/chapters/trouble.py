"""What goes wrong between systems: lost notifications, ended sessions, two people in one document."""

from __future__ import annotations

from deploy.demo.chapters.proofs import prove_counted, prove_document
from deploy.demo.clients import ACME, CLIENTS, NORDWIND
from deploy.demo.day import Day, DayError, since

_OCR = "1190 2026 7"
_NEW_DUE = "2026-12-15"


def lose_notification(day: Day) -> None:
    """BILL's notification of a bill never arrives; the next look at BILL's list finds it."""
    day.control.add_fault("drop_hook", tenant=NORDWIND.organization)
    vendor = day.get_vendor(NORDWIND, "Blåbjerg Transport A/S")
    bill = day.new_bill(NORDWIND, vendor, "BT-905", "3150.00")
    started = day.clock()
    day.tell("A new bill in BILL, but this time the notification is lost on its way.")
    if not any(rule["applied"] for rule in day.control.faults()):
        raise DayError("the notification was not lost")
    day.wait_for_document(NORDWIND, bill)
    day.control.clear_faults()
    day.tell(f"The connector reads BILL's list every 2 s and finds it: in Visma {since(day, started)} later.")


def expire_session_and_token(day: Day) -> None:
    """Every session in BILL and every token of Visma ends; the connector signs in again by itself."""
    for client in CLIENTS:
        day.control.expire_sessions(client.organization)
        day.control.expire_tokens(client.company)
    started = day.clock()
    vendor = day.get_vendor(ACME, "Östersunds Frakt & Åkeri AB")
    bill = day.new_bill(ACME, vendor, "2026-1204", "1975.00")
    day.tell("All sessions in BILL and all tokens for Visma end at once. A moment later a bill is entered.")
    day.wait_for_document(ACME, bill)
    day.tell(
        f"The connector was refused, signed in anew to both systems and went on: the bill is in Visma after "
        f"{since(day, started)}."
    )
    day.story.promise(
        "BILL refused the old sessions once (401), and the connector went on",
        prove_counted(day, 1, system="bill", status=401),
    )
    day.story.promise(
        "Visma refused the old tokens once (401), and the connector went on",
        prove_counted(day, 1, system="visma", status=401),
    )


def collide_in_visma(day: Day) -> None:
    """A person saves the document between our read and our write: both edits survive."""
    bill = day.get_bill(ACME, "2026-1190")
    number = day.get_document(ACME, "2026-1190")["referenceNumber"]
    day.control.add_fault(
        "race",
        system="visma",
        tenant=ACME.company,
        method="PUT",
        route=f"/{number}$",
        change={"paymentRefNo": _OCR},
    )
    started = day.clock()
    with day.expect_effect(ACME, "updated", "supplierInvoice", number, count=2):
        day.control.change_bill(
            ACME.organization,
            bill["id"],
            dueDate=_NEW_DUE,
            invoice={"invoiceNumber": "2026-1190", "invoiceDate": "2026-10-30"},
        )
        day.tell(
            "In BILL the dates of bill 2026-1190 are corrected. In the very moment in which the connector "
            "saves that in Visma, an accountant there types the payment reference into the same document."
        )
    day.control.clear_faults()
    day.tell(
        "Visma refuses the connector's save, because the document is no longer the one it read. It reads "
        f"again and saves only its own change: after {since(day, started)} the document has the new dates "
        "and the payment reference."
    )
    wanted = {"paymentRefNo": _OCR, "dueDate": f"{_NEW_DUE}T00:00:00"}
    day.story.promise("both edits of one document survived", prove_document(ACME, "2026-1190", wanted))
    day.story.promise(
        "Visma had refused the first save (412)",
        prove_counted(day, 1, system="visma", tenant=ACME.company, status=412),
    )
