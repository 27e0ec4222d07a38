"""Releasing a supplier invoice in Visma, where the tenant wants that: verified, taken off hold, confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.bill.models import Bill
from shared.errors import NeedsPerson, NotYet, Refused, Retryable
from shared.fields import Change, Fields
from shared.store import attachments
from shared.store.visma_index import Entry
from shared.visma.models import EDITABLE_STATUSES, LineChange, SupplierInvoice, Written
from workers.mapping.supplier_invoice import SupplierInvoiceDraft
from workers.sync.balance import send_balanced
from workers.sync.documents import differences, is_same_document
from workers.sync.index import supplier_invoice_entry
from workers.sync.outcome import Outcome, written
from workers.sync.removal import get_document
from workers.sync.upsert import update_of
from workers.sync.work import Work

CONFIRM_EVERY_S = 5.0
LONGEST_CONFIRM_S = 60.0
NO_LINES: tuple[LineChange, ...] = ()


def is_to_be_released(work: Work, entry: Entry | None) -> bool:
    """Whether the document is ours, not known to be released, and the tenant wants it released."""
    body = work.record.body or {}
    return (
        work.tenant.sync.release_invoices
        and body.get("origin") == "created"
        and not body.get("withheld")
        and entry is not None
        and (entry.status in EDITABLE_STATUSES or _is_unnoted(body, entry))
    )


def _is_unnoted(body: Mapping[str, Any], entry: Entry) -> bool:
    """Whether Visma's list told of the release before we read it: it is still to be confirmed, and noted."""
    return not body.get("released") and entry.status != "Voided"


def release(work: Work, bill: Bill, draft: SupplierInvoiceDraft) -> Outcome:
    """Release the record's document once it shows the bill; the outcome comes when Visma says it is Open.

    Raises Retryable while Visma works on it: a release is a job there, and its answer promises nothing.
    """
    actual = get_document(work)
    if actual.is_released:
        return _confirmed(work, bill, actual)
    _wait_for_documents(work)
    if not is_same_document(draft, actual):
        raise NeedsPerson(
            "amount_mismatch",
            f"{actual.document_type} {actual.number} is not released, since it differs from the bill: "
            f"{'; '.join(differences(draft, actual))}; correct it in Visma or BILL",
        )
    _ask(work, actual)
    wait_s = min(CONFIRM_EVERY_S * work.record.attempts, LONGEST_CONFIRM_S)
    raise Retryable("Visma is releasing the invoice: reading it again soon", retry_after_s=wait_s)


def _wait_for_documents(work: Work) -> None:
    """A released invoice takes no more files of ours: the bill's documents go first."""
    if not work.tenant.sync.attachments:
        return
    with work.conn() as conn:
        copied = attachments.all_copied(conn, work.tenant.id, work.record.bill_id)
    if not copied:
        raise NotYet(attachments.ATTACHMENTS_FIRST, "the bill's documents are copied before its release")


def _ask(work: Work, actual: SupplierInvoice) -> None:
    """Take the document off hold and ask for its release; a release under way already is as good."""
    work.take_turn()
    etag = actual.etag
    if actual.hold:
        etag = _take_off_hold(work, actual).etag or ""
    work.announce(update_of(work, work.record.body or {}, etag=etag))
    try:
        work.visma.release_supplier_invoice(actual.document_type, actual.number, etag or None)
    except Refused as error:
        if error.label != "invalid_status":
            raise


def _take_off_hold(work: Work, actual: SupplierInvoice) -> Written:
    def send(more: Fields) -> Written:
        work.announce(update_of(work, work.record.body or {}, etag=actual.etag))
        header = {"hold": False, **more}
        return work.visma.update_supplier_invoice(
            actual.document_type, actual.number, header, NO_LINES, actual.etag
        )

    return send_balanced(send, actual.amount)


def _confirmed(work: Work, bill: Bill, actual: SupplierInvoice) -> Outcome:
    return written(
        work.record,
        "released",
        version=bill.updated_at,
        body={**(work.record.body or {}), "released": True},
        etag=actual.etag,
        changes=(Change("status", "Balanced", actual.status),),
        entries=(supplier_invoice_entry(work.tenant.id, actual),),
    )
