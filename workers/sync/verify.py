"""That Visma shows what we wrote: judged from the index, which the polls keep, at no call per record."""

from __future__ import annotations

from shared.errors import NeedsPerson
from shared.store import visma_index
from shared.store.visma_index import Entry
from workers.mapping.supplier_invoice import SupplierInvoiceDraft
from workers.sync.duplicates import keep_alive
from workers.sync.work import Work


def ensure_as_written(work: Work, draft: SupplierInvoiceDraft) -> Entry | None:
    """The index's entry of the record's document, when it is in order; None when Visma has not shown it.

    Raises NeedsPerson: ``doubled`` when another live document carries the bill's marker,
    ``amount_mismatch`` when Visma shows another amount or currency than we wrote although nobody has
    edited the document since. What people edited is theirs.
    """
    record = work.record
    with work.conn() as conn:
        marked = visma_index.find_by_bill(conn, record.tenant, "supplier_invoice", record.bill_id)
    alive = keep_alive(work, marked) if len(marked) > 1 else marked
    own = next(
        (e for e in marked if (e.visma_type, e.number) == (record.visma_type, record.visma_number)), None
    )
    if len(alive) > 1:
        numbers = " and ".join(f"{entry.visma_type} {entry.number}" for entry in alive)
        raise NeedsPerson("doubled", f"{numbers} both carry this bill's marker: delete all but one in Visma")
    if own is not None and own.etag == record.visma_etag and not _shows(own, draft):
        raise NeedsPerson(
            "amount_mismatch",
            f"{own.visma_type} {own.number} shows {own.total} {own.currency} in Visma, the bill is "
            f"{draft.total} {draft.currency}: check VAT category and rounding in Visma",
        )
    return own


def _shows(entry: Entry, draft: SupplierInvoiceDraft) -> bool:
    return entry.total == draft.total and entry.currency == draft.currency
