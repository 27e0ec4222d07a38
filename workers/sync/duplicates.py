"""What may already be in Visma of a bill that has no invoice yet, so that nothing is doubled."""

from __future__ import annotations

from contextlib import suppress

from shared.bill.models import Bill
from shared.errors import NeedsPerson, NotFound
from shared.store import records, visma_index
from shared.store.visma_index import Entry
from workers.mapping.keys import fold_reference
from workers.mapping.supplier_invoice import SupplierInvoiceDraft
from workers.sync.index import supplier_invoice_entry
from workers.sync.work import Work

ADVICE = "void or correct one of the two in Visma, or archive the bill in BILL"


def find_adoptable(work: Work, bill: Bill, draft: SupplierInvoiceDraft) -> Entry | None:
    """The document that surely is this bill, or None when nothing in Visma could be it.

    Raises NeedsPerson: ``doubled`` when several carry this bill's marker, ``duplicate_reference`` when
    something else of this supplier has this reference. Another bill of BILL's with the same number is
    no duplicate: two bills stay two.
    """
    marked = keep_alive(work, _find_marked(work, bill))
    if len(marked) > 1:
        raise NeedsPerson("doubled", f"{_describe(marked)} all carry this bill's marker: delete all but one")
    if marked:
        return marked[0]
    rivals = keep_alive(work, _find_rivals(work, bill, draft))
    if not rivals:
        return None
    same = [rival for rival in rivals if rival.bill_id is None and _is_same(rival, draft)]
    if len(same) == 1 and len(rivals) == 1 and work.tenant.sync.adopt_existing:
        return same[0]
    raise NeedsPerson(
        "duplicate_reference",
        f"supplier {draft.header.get('supplierNumber')} already has {_describe(rivals)} with the reference "
        f"{draft.header.get('supplierReference')}: {ADVICE}",
    )


def _find_marked(work: Work, bill: Bill) -> list[Entry]:
    with work.conn() as conn:
        return visma_index.find_by_bill(conn, work.tenant.id, "supplier_invoice", bill.id)


def _find_rivals(work: Work, bill: Bill, draft: SupplierInvoiceDraft) -> list[Entry]:
    supplier = str(draft.header.get("supplierNumber"))
    reference = fold_reference(str(draft.header.get("supplierReference") or ""))
    with work.conn() as conn:
        found = visma_index.find_by_reference(conn, work.tenant.id, supplier, reference)
        return [
            entry
            for entry in found
            if entry.bill_id is None or not records.exists(conn, work.tenant.id, "bill", entry.bill_id)
        ]


def keep_alive(work: Work, entries: list[Entry]) -> list[Entry]:
    """The entries as Visma shows them now, without what is voided or gone.

    Lists do not tell what was deleted; so before anything is held or adopted for its sake, it is read.
    """
    alive: list[Entry] = []
    for entry in entries:
        with suppress(NotFound):
            actual = work.visma.fetch_supplier_invoice(entry.visma_type, entry.number)
            alive.append(supplier_invoice_entry(work.tenant.id, actual))
            continue
        with work.conn() as conn:
            visma_index.remove_entry(conn, work.tenant.id, entry.kind, entry.visma_type, entry.number)
    with work.conn() as conn:
        visma_index.put_entries(conn, alive)
    return [entry for entry in alive if entry.status != "Voided"]


def _is_same(entry: Entry, draft: SupplierInvoiceDraft) -> bool:
    return (
        entry.visma_type == draft.document_type
        and entry.currency == draft.currency
        and entry.total == draft.total
    )


def _describe(entries: list[Entry]) -> str:
    return ", ".join(
        f"{entry.visma_type} {entry.number} ({entry.total} {entry.currency})" for entry in entries
    )
