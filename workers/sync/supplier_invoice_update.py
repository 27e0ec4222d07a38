"""Brings a bill's supplier invoice up to date: only what changed in BILL, never what people changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.bill.models import Bill
from shared.errors import NeedsPerson
from shared.fields import Change, Fields
from shared.visma.models import SupplierInvoice, Written
from workers.mapping.supplier_invoice import SupplierInvoiceDraft, WrittenBody, create_hold
from workers.sync.balance import send_balanced, total_after
from workers.sync.bodies import invoice_body, written_body
from workers.sync.documents import differences
from workers.sync.draft import draft_supplier_invoice
from workers.sync.index import supplier_invoice_entry
from workers.sync.intention import Intention
from workers.sync.judge import judge_synced_bill
from workers.sync.merge import Conflict, LineMerge, Merge, merge_fields, merge_lines, must_recreate
from workers.sync.outcome import Outcome, settled, written
from workers.sync.readings import bodies_before, body_before
from workers.sync.release import is_to_be_released, release
from workers.sync.removal import (
    ensure_not_removed,
    find_document,
    get_document,
    refuse_adopted,
    remove_for_move,
    withdraw,
)
from workers.sync.upsert import update_of, write_with_etag
from workers.sync.vendor_link import get_vendor_link
from workers.sync.verify import ensure_as_written
from workers.sync.work import Work


@dataclass(frozen=True, slots=True)
class InvoiceMerge:
    """A header's and its lines' merge together."""

    header: Merge
    lines: LineMerge

    @property
    def is_empty(self) -> bool:
        """Whether Visma shows all of it already."""
        return not self.header.to_send and not self.lines.changes

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """What a person changed in Visma and BILL changed too."""
        return (*self.header.conflicts, *self.lines.conflicts)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is written, field by field."""
        return (*self.header.changes, *self.lines.fields)


def update_supplier_invoice(work: Work, bill: Bill) -> Outcome | None:
    """Make the invoice show the bill; no call to Visma while nothing that we write has changed.

    None when the invoice was deleted because the bill needs another document: create that now.
    """
    record = work.record
    body = record.body or {}
    if judge_synced_bill(bill, work.tenant, released=False).kind != "keep":
        return withdraw(work, bill)
    before = written_body(body)
    draft = _draft(work, bill, before)
    recreate = must_recreate(before.header, draft.header)
    if not recreate:
        ensure_not_removed(work)
    withheld = any(kept.get("withheld") for kept in (body, work.sent_body or {}))
    if draft.is_written(before) and not withheld and _is_settled(work):
        entry = ensure_as_written(work, draft)
        if is_to_be_released(work, entry):
            return release(work, bill, draft)
        return settled(record, "unchanged", version=bill.updated_at)
    changes = _draft_changes(before, draft)
    refuse_adopted(work, f"the bill changed in BILL ({_tell(changes)})")
    if recreate:
        remove_for_move(work, f"the bill moved in BILL ({_tell(changes)})")
        return None
    return _update(work, bill, draft, withheld=withheld)


def _is_settled(work: Work) -> bool:
    """Whether Visma surely shows what the row keeps: an unanswered release sent nothing else."""
    return work.sent is None or (work.sent.before is None and work.sent.body == work.record.body)


def _draft(work: Work, bill: Bill, before: WrittenBody) -> SupplierInvoiceDraft:
    """The draft; of a released invoice unchecked, since its difference is only to be told."""
    link = get_vendor_link(work, bill.vendor_id)
    try:
        return draft_supplier_invoice(work, bill, link, before=before)
    except NeedsPerson:
        actual = find_document(work)
        if actual is None or not actual.is_released:
            raise
    return draft_supplier_invoice(work, bill, link, before=before, checked=False)


def _update(work: Work, bill: Bill, draft: SupplierInvoiceDraft, *, withheld: bool) -> Outcome:
    origin = (work.record.body or {})["origin"]
    body = invoice_body(draft, origin)
    # until its answer is there, the hold that is to be lifted is still ours
    sending = {**body, "withheld": True} if withheld else body
    actual, merge, etag = _write(work, draft, sending, withheld=withheld)
    entry = supplier_invoice_entry(work.tenant.id, actual)
    return written(
        work.record,
        "unchanged" if merge.is_empty else "updated",
        version=bill.updated_at,
        body=body,
        etag=etag,
        changes=merge.changes,
        notes=draft.notes,
        entries=(replace(entry, etag=etag, total=entry.total if merge.is_empty else draft.total),),
    )


def _write(
    work: Work, draft: SupplierInvoiceDraft, body: dict[str, Any], *, withheld: bool
) -> tuple[SupplierInvoice, InvoiceMerge, str]:
    merges: list[InvoiceMerge] = []
    seen: list[SupplierInvoice] = []

    def plan(actual: SupplierInvoice) -> InvoiceMerge | None:
        seen.append(actual)
        work.unanswered = False
        for reading in reversed(bodies_before(work, actual)):  # the likeliest last
            # should this run end with a person's turn, the row knows what it was judged by
            ours = {"withheld": True} if withheld and actual.hold else {}  # the hold is ours to lift
            work.record = replace(work.record, body={**reading, **ours})
            merge = _merge(written_body(reading), draft, actual)
        merges.append(_unhold(merge, create_hold(work.tenant), actual) if withheld else merge)
        return None if merges[-1].is_empty else merges[-1]

    def write(merge: InvoiceMerge, etag: str) -> Written:
        actual = seen[-1]
        before = body_before(work, actual)
        return _send(work, actual, merge, lambda: update_of(work, body, etag=etag, before=before))

    actual, _, etag = write_with_etag(
        work,
        lambda: get_document(work),
        plan,
        write,
        body=lambda _: body,
        before=lambda actual: body_before(work, actual),
    )
    return actual, merges[-1], etag


def _send(
    work: Work, actual: SupplierInvoice, merge: InvoiceMerge, again: Callable[[], Intention]
) -> Written:
    """Write the merge; once more, announced as ``again`` says, where Visma wants the total with it."""

    def send(more: Fields) -> Written:
        if more:  # the first write was announced by whoever asked for it
            work.announce(again())
        header = {**merge.header.to_send, **more}
        return work.visma.update_supplier_invoice(
            actual.document_type, actual.number, header, merge.lines.changes, actual.etag
        )

    return send_balanced(send, total_after(actual, merge.lines.changes))


def _merge(before: WrittenBody, draft: SupplierInvoiceDraft, actual: SupplierInvoice) -> InvoiceMerge:
    """What to write into the document as it stands, given what we wrote last.

    Raises NeedsPerson where we must not.
    """
    if actual.is_released:
        return _compare_released(draft, actual)
    merge = InvoiceMerge(
        merge_fields(before.header, draft.header, actual.fields),
        merge_lines(before.lines, draft.lines, actual.lines),
    )
    if not merge.conflicts:
        return merge
    told = "; ".join(map(str, merge.conflicts))
    raise NeedsPerson("edited_in_visma", f"changed in Visma and in BILL: {told}")


def _compare_released(draft: SupplierInvoiceDraft, actual: SupplierInvoice) -> InvoiceMerge:
    """A released document is never written: either it shows the bill, or a person must act."""
    told = differences(draft, actual)
    if told:
        raise NeedsPerson(
            "invoice_released",
            f"{actual.document_type} {actual.number} is {actual.status} in Visma, but the bill changed in "
            f"BILL: {'; '.join(told)}; correct or credit it in Visma by hand",
        )
    return InvoiceMerge(Merge({}), LineMerge())


def _unhold(merge: InvoiceMerge, hold: bool, actual: SupplierInvoice) -> InvoiceMerge:
    """The bill is approved again: the hold that we set for want of approval ends."""
    if actual.hold == hold:
        return merge
    header = replace(
        merge.header,
        to_send={**merge.header.to_send, "hold": hold},
        changes=(*merge.header.changes, Change("hold", actual.hold, hold)),
    )
    return replace(merge, header=header)


def _draft_changes(before: WrittenBody, draft: SupplierInvoiceDraft) -> list[Change]:
    """What changed in BILL since our last write, field by field."""
    changes = list(merge_fields(before.header, draft.header, before.header).changes)
    for position in range(max(len(before.lines), len(draft.lines))):
        old = before.lines[position] if position < len(before.lines) else {}
        new = draft.lines[position] if position < len(draft.lines) else {}
        changes += [
            Change(f"line {position + 1} {name}", old.get(name), new.get(name))
            for name in {**old, **new}
            if old.get(name) != new.get(name)
        ]
    return changes


def _tell(changes: Sequence[Change]) -> str:
    return "; ".join(f"{change.field} from {change.before} to {change.after}" for change in changes)
