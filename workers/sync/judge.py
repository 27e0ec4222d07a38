"""Which records are carried over, and what becomes of those that no longer should be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.bill.models import Bill, Vendor
from shared.tenants import TenantConfig

_UNPAID = frozenset({None, "UNPAID", "UNDEFINED"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a record that is not in Visma yet; ``reason`` is a stable code where it is held."""

    decision: Literal["go", "ignored", "waiting", "held"]
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What to do with a document that is in Visma; ``reason`` is a stable code where its record is held."""

    kind: Literal["keep", "put_on_hold", "delete", "hold_record"]
    reason: str | None = None
    detail: str | None = None


GO = Verdict("go")
KEEP = Action("keep")


def judge_vendor(vendor: Vendor, config: TenantConfig, *, needed: bool = True) -> Verdict:
    """Whether a vendor becomes a supplier; ``sync.archived_vendors`` decides its status, not whether.

    ``needed`` False says that no bill asks for it and no supplier is linked to it: then an archived vendor
    is ignored, so that a backfill does not fill Visma with suppliers nobody uses.
    """
    if vendor.archived and not needed:
        return Verdict("ignored", detail="archived in BILL, and no bill needs it")
    return GO


def judge_bill(bill: Bill, config: TenantConfig) -> Verdict:
    """Whether a bill that is not in Visma yet becomes a supplier invoice."""
    if bill.is_draft:
        return Verdict("ignored", detail="a draft in BILL")
    if bill.archived:
        return Verdict("ignored", detail="archived in BILL")
    if bill.invoice_date is not None and bill.invoice_date < config.sync.bills_since:
        return Verdict("ignored", detail=f"invoice date before {config.sync.bills_since} (sync.bills_since)")
    if bill.approval_status == "DENIED":
        return Verdict("ignored", detail="denied in BILL")
    if bill.approval_status not in config.sync.approval_statuses:
        return Verdict("waiting", detail=f"approval status in BILL: {bill.approval_status or 'none'}")
    if bill.amount.is_zero():
        return Verdict("held", "zero_amount", "the bill's total is zero: correct or archive it in BILL")
    return GO


def judge_synced_bill(bill: Bill, config: TenantConfig, released: bool) -> Action:
    """What becomes of the supplier invoice of a bill that changed; ``released`` is the invoice's state.

    A put on hold ends when the bill is approved again: then the answer is ``keep``.
    """
    if bill.archived or bill.is_draft:
        return _judge_archived(bill, released)
    if bill.approval_status in config.sync.approval_statuses:
        return KEEP
    if not released:
        return Action("put_on_hold", detail=f"approval status in BILL: {bill.approval_status or 'none'}")
    return Action(
        "hold_record",
        "invoice_released",
        f"approval status in BILL is now {bill.approval_status or 'none'} but the invoice is released: "
        "approve the bill again in BILL, or credit the invoice in Visma",
    )


def is_paid(bill: Bill) -> bool:
    """Whether BILL has paid the bill, or any part of it, or is about to; an unknown status counts as paid."""
    return bool(bill.paid_amount or bill.scheduled_amount) or bill.payment_status not in _UNPAID


def _judge_archived(bill: Bill, released: bool) -> Action:
    what = "a draft again" if bill.is_draft else "archived"
    if is_paid(bill):
        return Action(
            "hold_record",
            "archived_paid",
            f"the bill is {what} in BILL although it is paid or scheduled there: restore it in BILL, "
            "or settle its invoice in Visma by hand",
        )
    if released:
        return Action(
            "hold_record",
            "invoice_released",
            f"the bill is {what} in BILL but its invoice is released: restore the bill, "
            "or credit the invoice in Visma",
        )
    return Action("delete", detail=f"{what} in BILL")
