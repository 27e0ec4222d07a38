"""Makes one bill true: creates its supplier invoice in Visma, or takes over the one it has."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from shared.bill.models import Bill
from shared.errors import NeedsPerson, Refused
from shared.fields import Fields
from shared.store.visma_index import Entry
from shared.visma.models import Page, SupplierInvoice
from shared.visma.suppliers import PAGE_SIZE
from workers.mapping.keys import find_marker, marker
from workers.mapping.supplier_invoice import SupplierInvoiceDraft, create_hold
from workers.sync.balance import send_balanced
from workers.sync.bodies import document_body, invoice_body
from workers.sync.content import read_bill
from workers.sync.draft import draft_supplier_invoice
from workers.sync.duplicates import find_adoptable
from workers.sync.index import drafted_supplier_invoice_entry, supplier_invoice_entry
from workers.sync.intention import Intention
from workers.sync.judge import judge_bill
from workers.sync.outcome import Outcome, resolved, settled, written
from workers.sync.refusals import judge_refusal
from workers.sync.removal import unlink_removed
from workers.sync.supplier_invoice_update import update_supplier_invoice
from workers.sync.upsert import create, find_created, take_over
from workers.sync.vendor_link import get_vendor_link
from workers.sync.walks import collect
from workers.sync.work import Work


def upsert_supplier_invoice(work: Work) -> Outcome:
    """Make the claimed bill true in Visma; what came of it. Raises the tree of ``shared.errors``."""
    found = _find_created(work, work.intention) if work.intention else None
    if found is not None:
        take_over(work, found.document_type, found.number, found.etag)
    bill = read_bill(work)
    try:
        return _carry(work, bill, found)
    except Refused as error:
        raise judge_refusal(work, bill, error) from error


def _carry(work: Work, bill: Bill, found: SupplierInvoice | None) -> Outcome:
    unlink_removed(work)
    if work.record.is_linked and (outcome := update_supplier_invoice(work, bill)) is not None:
        return resolved(outcome, supplier_invoice_entry(work.tenant.id, found)) if found else outcome
    verdict = judge_bill(bill, work.tenant)
    if verdict.decision != "go":
        return settled(
            work.record,
            verdict.decision,
            version=bill.updated_at,
            reason=verdict.reason,
            detail=verdict.detail,
        )
    draft = draft_supplier_invoice(work, bill, get_vendor_link(work, bill.vendor_id))
    work.ensure_visma_known()
    return _adopt(work, bill, draft) or _create(work, bill, draft)


def _create(work: Work, bill: Bill, draft: SupplierInvoiceDraft) -> Outcome:
    work.take_turn()
    hold = create_hold(work.tenant)
    header = {**draft.header, "hold": hold}
    intention = Intention(draft.document_type, work.clock(), invoice_body(draft, "created"))

    def send(more: Fields) -> tuple[str, str | None]:
        return create(
            work,
            intention,
            lambda: work.visma.create_supplier_invoice({**header, **more}, draft.lines),
            lambda: _find_marked(work, intention),
        )

    number, etag = send_balanced(send, draft.total)
    entry = drafted_supplier_invoice_entry(work.tenant.id, number, etag, draft, bill_id=bill.id, hold=hold)
    return written(
        work.record,
        "created",
        version=bill.updated_at,
        body=intention.body,
        etag=etag,
        number=(draft.document_type, number),
        notes=draft.notes,
        entries=(entry,),
    )


def _adopt(work: Work, bill: Bill, draft: SupplierInvoiceDraft) -> Outcome | None:
    """Take the document in Visma that surely is this bill; None when there is none."""
    found = find_adoptable(work, bill, draft)
    if found is None:
        return None
    if found.bill_id == bill.id:
        return _recognize(work, bill, found)
    return written(
        work.record,
        "adopted",
        version=bill.updated_at,
        body=invoice_body(draft, "adopted"),
        etag=found.etag,
        number=(found.visma_type, found.number),
        notes=("found in Visma, entered by a person",),
    )


def _recognize(work: Work, bill: Bill, found: Entry) -> Outcome | None:
    """A document with our marker that the row does not know: a restored database, say. It is ours."""
    actual = work.visma.fetch_supplier_invoice(found.visma_type, found.number)
    work.record = replace(
        work.record,
        visma_type=actual.document_type,
        visma_number=actual.number,
        visma_etag=actual.etag,
        body=document_body(actual),
    )
    outcome = update_supplier_invoice(work, bill)
    if outcome is None or outcome.action != "unchanged":
        return outcome
    return replace(outcome, action="adopted", notes=("found in Visma with our marker",))


def _find_marked(work: Work, intention: Intention) -> list[SupplierInvoice]:
    """The live documents in Visma that an announced create may have made."""
    header = intention.body["header"]
    day = date.fromisoformat(header["date"][:10])

    def list_page(page: int) -> Page[SupplierInvoice]:
        return work.visma.list_supplier_invoices(
            supplier=header["supplierNumber"], document_date_from=day, page=page
        )

    return [
        document
        for document in collect(list_page, PAGE_SIZE)
        if find_marker(document.note) == marker(work.record.bill_id) and document.status != "Voided"
    ]


def _find_created(work: Work, intention: Intention) -> SupplierInvoice | None:
    found = find_created(work, intention, lambda: _find_marked(work, intention))
    if len(found) > 1:
        numbers = ", ".join(f"{document.document_type} {document.number}" for document in found)
        raise NeedsPerson("doubled", f"{numbers} all carry this bill's marker: delete all but one in Visma")
    return found[0] if found else None
