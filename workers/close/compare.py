"""A month's bills beside their documents in Visma: what is equal, what differs, what to know. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.bill.models import Bill
from shared.visma.models import SupplierInvoice
from workers.close.bill import compare_bill, describe_outside
from workers.close.models import (
    VOIDED,
    Difference,
    Facts,
    Key,
    Notice,
    Proof,
    Side,
    show_amount,
    show_key,
    signed,
)
from workers.close.totals import sum_by_currency, sum_by_supplier
from workers.mapping.keys import find_marker

UNREADABLE: Final = "cannot be read"

VENDOR_CREDITS: Final = Notice(
    "not_compared", "BILL's vendor credits (a kind of their own) are not synced and not compared"
)


def compare_month(facts: Facts) -> Proof:
    """The proof of a month."""
    proof = Proof(facts.tenant, facts.month)
    owned = _Owned(facts)
    for bill in sorted(facts.bills, key=_by_date):
        found = compare_bill(facts, bill, owned.documents_of(bill.id))
        proof.sides += found.sides
        proof.differences += found.differences
        proof.notices += found.notices
    for bill_id, documents in owned.of_others(facts.bills):
        _compare_stranger(facts, bill_id, documents, proof)
    proof.differences += _unreadable_differences(facts)
    proof.notices += _general_notices(facts)
    proof.by_currency = sum_by_currency(proof.sides)
    proof.by_supplier = sum_by_supplier(proof.sides)
    return proof


@dataclass(slots=True)
class _Owned:
    """Which documents are which bill's: by our marker, and by our rows."""

    by_bill: dict[str, dict[Key, SupplierInvoice]]

    def __init__(self, facts: Facts) -> None:
        self.by_bill = defaultdict(dict)
        for key, document in facts.documents.items():
            marked = marked_bill(document)
            if marked is not None:
                self.by_bill[marked][key] = document
        for known in facts.known.values():
            if known.key is not None and known.key in facts.documents:
                document = facts.documents[known.key]
                if marked_bill(document) in (None, known.bill_id):
                    self.by_bill[known.bill_id][known.key] = document

    def documents_of(self, bill_id: str) -> Sequence[SupplierInvoice]:
        """A bill's documents, voided ones too."""
        return [document for _, document in sorted(self.by_bill.get(bill_id, {}).items())]

    def of_others(self, bills: Sequence[Bill]) -> Iterator[tuple[str, Sequence[SupplierInvoice]]]:
        """Documents of bills that are not of the month."""
        ours = {bill.id for bill in bills}
        for bill_id in sorted(self.by_bill.keys() - ours):
            yield bill_id, self.documents_of(bill_id)


def marked_bill(document: SupplierInvoice) -> str | None:
    """The bill that a document's marker names."""
    found = find_marker(document.note)
    return found.removeprefix("BILL:") if found else None


def _compare_stranger(facts: Facts, bill_id: str, documents: Sequence[SupplierInvoice], proof: Proof) -> None:
    """Documents of a bill that is not of the month: it is gone from BILL, or dated elsewhere."""
    bill = facts.others.get(bill_id)
    for document in documents:
        if document.status == VOIDED:
            continue
        if bill_id in facts.unreadable_bills:
            proof.sides.append(_stranger_side(facts, bill_id, document, UNREADABLE))
        elif bill is None:
            proof.differences.append(_missing_in_bill(bill_id, document))
            proof.sides.append(_stranger_side(facts, bill_id, document, "missing in BILL"))
        elif facts.month.holds(document.date):
            proof.differences.append(_dated_elsewhere(bill, document))
            proof.sides.append(_stranger_side(facts, bill_id, document, "differs"))
        elif document.fields.get("financialPeriod") in facts.period_ids:
            proof.notices.append(describe_outside(bill, document))


def _missing_in_bill(bill_id: str, document: SupplierInvoice) -> Difference:
    return Difference(
        bill_id,
        document.supplier_reference,
        document.number,
        "missing in BILL",
        "BILL does not know the bill",
        f"{show_key((document.document_type, document.number))}, "
        f"{show_amount(document.amount, document.currency_id)}, {document.status}",
    )


def _dated_elsewhere(bill: Bill, document: SupplierInvoice) -> Difference:
    return Difference(
        bill.id,
        bill.invoice_number,
        document.number,
        "date",
        bill.invoice_date.isoformat() if bill.invoice_date else "nothing",
        document.date.isoformat() if document.date else "nothing",
    )


def _stranger_side(facts: Facts, bill_id: str, document: SupplierInvoice, verdict: str) -> Side:
    return Side(
        bill_id=bill_id,
        reference=document.supplier_reference,
        date=document.date,
        supplier=facts.supplier_names.get(document.supplier_number),
        supplier_number=document.supplier_number,
        currency=document.currency_id or "",
        bill_amount=None,
        visma_amount=signed(document),
        visma_number=show_key((document.document_type, document.number)),
        visma_status=document.status,
        verdict=verdict,
    )


def _unreadable_differences(facts: Facts) -> Iterator[Difference]:
    """What cannot be read cannot be equal: a month with such a thing in it is not proved."""
    for one in facts.unreadable:
        if one.of_month:
            by_system = {"bill": None, "visma": None, one.system.lower(): one.what}
            yield Difference(one.bill_id, None, None, UNREADABLE, by_system["bill"], by_system["visma"])


def _general_notices(facts: Facts) -> Iterator[Notice]:
    since = facts.tenant.sync.bills_since
    if facts.month.first < since:
        yield Notice("before_start", f"bills dated before {since} (sync.bills_since) are not carried over")
    if facts.loose_count:
        count = facts.loose_count
        them = "1 other supplier invoice" if count == 1 else f"{count} other supplier invoices"
        yield Notice("not_from_bill", f"{them} of the month in Visma did not come from BILL")
    for one in facts.unreadable:
        if not one.of_month:
            yield Notice("unreadable", f"{one.system}: {one.what}", one.bill_id)
    yield VENDOR_CREDITS


def _by_date(bill: Bill) -> tuple[str, str, str]:
    return (str(bill.invoice_date), bill.invoice_number or "", bill.id)
