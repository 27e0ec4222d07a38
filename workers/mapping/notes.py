"""The note of a document in Visma: our marker, then what an accountant would look for in BILL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from shared.bill.models import Approver, Bill
from workers.mapping.keys import marker
from workers.mapping.text import LINE_LIMIT, REFERENCE_LIMIT


def compose_note(bill: Bill, *, reference: str, text: str, posting: str | None) -> str:
    """The note: the marker on the first line, then purchase order, approvals, and whole what was cut.

    ``posting`` says that the document went into another period than its date's.
    """
    lines = [marker(bill.id)]
    if bill.purchase_order_number:
        lines.append(f"PO number: {bill.purchase_order_number}")
    lines += [_describe_approval(approver) for approver in _approved(bill.approvers)]
    if posting:
        lines.append(posting)
    lines += [f"{what} in full: {whole}" for what, whole in find_cuts(bill, reference=reference, text=text)]
    return "\n".join(lines)


def find_cuts(bill: Bill, *, reference: str, text: str) -> list[tuple[str, str]]:
    """What has to be shortened for Visma: its name and the whole text."""
    cuts = [("Reference", reference)] if len(reference) > REFERENCE_LIMIT else []
    if len(text) > REFERENCE_LIMIT and text != reference:
        cuts.append(("Description", text))
    cuts += [
        (f"Line {number}", line.description)
        for number, line in enumerate(bill.lines, start=1)
        if line.description and len(line.description) > LINE_LIMIT and line.description != text
    ]
    return cuts


def _approved(approvers: Iterable[Approver]) -> list[Approver]:
    approved = [approver for approver in approvers if approver.status == "APPROVED"]
    return sorted(approved, key=lambda approver: (approver.order is None, approver.order or 0))


def _describe_approval(approver: Approver) -> str:
    if approver.status_changed_at is None:
        return f"Approved by {approver.user_id}"
    at = approver.status_changed_at.astimezone(UTC)
    return f"Approved by {approver.user_id} on {at:%Y-%m-%d %H:%M} UTC"
