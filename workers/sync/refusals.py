"""What Visma's refusal of a supplier invoice means: a known cause is held, anything else is final."""

from __future__ import annotations

from shared.bill.models import Bill
from shared.errors import ConnectorError, NeedsPerson, Refused
from workers.sync.draft import draft_supplier_invoice
from workers.sync.vendor_link import get_vendor_link
from workers.sync.work import Work

REASONS = {
    "duplicate_reference": "duplicate_reference",
    "no_exchange_rate": "no_exchange_rate",
    "period_closed": "period_closed",
    "unknown_segment_value": "unknown_segment_value",
    "supplier_status": "vendor_held",
    "negative_amount": "mixed_signs",
    "currency_mismatch": "currency_mismatch",
    "out_of_balance": "amount_mismatch",
}
"""Causes by the label that ``shared.visma.quirks`` gives a message."""


def judge_refusal(work: Work, bill: Bill, error: Refused) -> ConnectorError:
    """The error to raise in its place: NeedsPerson where a person can mend the cause, else the refusal.

    Visma's lists are fetched anew first: what was refused because it changed there is then held with
    the words of our own check.
    """
    work.end_turn()
    work.lists.refused_visma_lists()
    try:
        draft_supplier_invoice(work, bill, get_vendor_link(work, bill.vendor_id))
    except NeedsPerson as known:
        return known
    reason = REASONS.get(error.label or "")
    return NeedsPerson(reason, f"Visma says: {error.message}") if reason else error
