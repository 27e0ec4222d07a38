"""Taking a supplier invoice back: put on hold, or deleted, while nobody has released it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.bill.models import Bill
from shared.errors import NeedsPerson, NotFound
from shared.fields import Change
from shared.store import history, records, visma_index
from shared.store.pool import Conn
from shared.visma.models import LineChange, SupplierInvoice
from workers.sync.index import supplier_invoice_entry
from workers.sync.judge import Action, judge_synced_bill
from workers.sync.outcome import Outcome, settled, written
from workers.sync.readings import bodies_before, body_before, keep_reading
from workers.sync.upsert import ensure_nothing_runs, ensure_over, update_of, write_with_etag
from workers.sync.work import Work

NO_LINES: tuple[LineChange, ...] = ()


def withdraw(work: Work, bill: Bill) -> Outcome:
    """What becomes of the invoice of a bill that was archived, or lost its approval, after a sync."""
    refuse_adopted(work, "the bill was archived or lost its approval")
    actual = find_document(work)
    action = judge_synced_bill(bill, work.tenant, released=actual is not None and actual.is_released)
    if action.kind == "hold_record":
        raise NeedsPerson(str(action.reason), str(action.detail))
    if action.kind == "delete" or actual is None:
        return _delete(work, bill, str(action.detail))
    ensure_not_removed(work)
    return _keep_on_hold(work, bill, actual, action) if actual.hold else _put_on_hold(work, bill, action)


def _keep_on_hold(work: Work, bill: Bill, actual: SupplierInvoice, action: Action) -> Outcome:
    """It is on hold already: a person's hold, or ours whose answer was lost."""
    ensure_nothing_runs(work, actual)
    keep_reading(work, actual)
    waits = settled(work.record, "waiting", version=bill.updated_at, detail=action.detail)
    ours = bool(work.sent_body and work.sent_body.get("withheld"))
    return replace(waits, finish=replace(waits.finish, body=_withheld(work, actual))) if ours else waits


def _put_on_hold(work: Work, bill: Bill, action: Action) -> Outcome:
    fetched, _, etag = write_with_etag(
        work,
        lambda: get_document(work),
        lambda document: None if document.hold else {"hold": True},
        lambda fields, tag: work.visma.update_supplier_invoice(*_key(work), fields, NO_LINES, tag),
        body=lambda document: _withheld(work, document),
        before=lambda document: body_before(work, document),
    )
    if fetched.hold:  # somebody put it on hold since we looked
        return _keep_on_hold(work, bill, fetched, action)
    outcome = written(
        work.record,
        "waiting",
        version=bill.updated_at,
        body=_withheld(work, fetched),
        etag=etag,
        changes=(Change("hold", False, True),),
        entries=(replace(supplier_invoice_entry(work.tenant.id, fetched), etag=etag, status="Hold"),),
    )
    return replace(outcome, finish=replace(outcome.finish, detail=action.detail))


def _withheld(work: Work, actual: SupplierInvoice) -> dict[str, Any]:
    """What the document shows of ours, on a hold that we set for want of approval."""
    return {**bodies_before(work, actual)[0], "withheld": True}


def remove_for_move(work: Work, why: str) -> None:
    """Delete the document so that the bill can be created anew under another supplier or type.

    Raises NeedsPerson when it is released, or was a person's. A crash after the deletion is seen as a
    missing document by the next run, which then goes on from here.
    """
    refuse_adopted(work, why)
    actual = find_document(work)
    if actual is not None and actual.is_released:
        raise NeedsPerson(
            "invoice_released",
            f"{why}, but {actual.document_type} {actual.number} is {actual.status} in Visma: "
            "credit it in Visma, or undo the change in BILL",
        )
    _remove(work)
    _unlink(work, why)


def _unlink(work: Work, why: str) -> None:
    record = work.record
    with work.conn() as conn, conn.transaction():
        records.unlink(conn, record)
        _forget(work, conn)
        history.add_entry(conn, _entry(work, why))
    work.record = replace(record, visma_type=None, visma_number=None, visma_etag=None, body=None)


def unlink_removed(work: Work) -> None:
    """Where a deletion without an answer did happen, the row has no document any more."""
    if work.removal is not None and work.record.is_linked and find_document(work) is None:
        _unlink(work, "gone: the answer to its deletion was lost")


def ensure_not_removed(work: Work) -> None:
    """A deletion without an answer must not land after it was found needless: BILL took the change back.

    Raises Retryable, uncounted, until Visma can no longer be working on it.
    """
    if work.removal is not None:
        ensure_over(work, work.removal, "a deletion")


def find_document(work: Work) -> SupplierInvoice | None:
    """The record's document as Visma shows it, or None when it is gone."""
    try:
        return work.visma.fetch_supplier_invoice(*_key(work))
    except NotFound:
        return None


def get_document(work: Work) -> SupplierInvoice:
    """The record's document. Raises NeedsPerson when a person deleted it in Visma."""
    found = find_document(work)
    if found is None:
        raise NeedsPerson(
            "edited_in_visma",
            f"{' '.join(_key(work))} was deleted in Visma, but the bill changed in BILL: "
            "archive the bill in BILL, or enter it in Visma by hand",
        )
    return found


def refuse_adopted(work: Work, why: str) -> None:
    """A document that a person entered is never changed by us. Raises NeedsPerson (``adopted_changed``)."""
    if (work.record.body or {}).get("origin") == "adopted":
        raise NeedsPerson(
            "adopted_changed",
            f"{why}, but a person entered {' '.join(_key(work))} in Visma: correct it there by hand",
        )


def _delete(work: Work, bill: Bill, why: str) -> Outcome:
    record = work.record
    _remove(work)
    with work.conn() as conn:
        _forget(work, conn)
    outcome = settled(record, "deleted", version=bill.updated_at, detail=why)
    finish = replace(outcome.finish, visma_type=None, visma_number=None, visma_etag=None, body=None)
    return replace(outcome, finish=finish, notes=(f"{' '.join(_key(work))} deleted in Visma",))


def _remove(work: Work) -> None:
    """Delete in Visma; a document that is gone already is what was wanted."""
    work.take_turn()
    sent = work.sent or update_of(work, work.record.body or {}, etag=None)
    work.announce(replace(sent, sent_at=work.clock(), is_update=False, is_removal=True))
    try:
        with work.in_doubt():
            work.visma.delete_supplier_invoice(*_key(work))
    except NotFound:
        return


def _forget(work: Work, conn: Conn) -> None:
    visma_type, number = _key(work)
    visma_index.remove_entry(conn, work.record.tenant, "supplier_invoice", visma_type, number)


def _entry(work: Work, why: str) -> history.Entry:
    visma_type, number = _key(work)
    record = work.record
    return history.Entry(
        record.tenant, record.kind, record.bill_id, "sync", "deleted",
        detail=why, visma_type=visma_type, visma_number=number,
    )  # fmt: skip


def _key(work: Work) -> tuple[str, str]:
    return str(work.record.visma_type), str(work.record.visma_number)
