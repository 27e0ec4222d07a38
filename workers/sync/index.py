"""Entries of the Visma index: made from what Visma's lists show, or from what we just wrote."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from shared.fields import Fields
from shared.store.visma_index import SUPPLIER_TYPE, Entry
from shared.visma.models import Supplier, SupplierInvoice
from workers.mapping.keys import find_marker, fold_name, fold_reference, number_keys
from workers.mapping.supplier_invoice import SupplierInvoiceDraft
from workers.sync.matching import IndexedSupplier


def supplier_entry(tenant: str, supplier: Supplier) -> Entry:
    """A supplier as Visma showed it."""
    return Entry(
        tenant=tenant,
        kind="supplier",
        visma_type=SUPPLIER_TYPE,
        number=supplier.number,
        status=supplier.status,
        etag=supplier.etag,
        name=supplier.name,
        name_key=fold_name(supplier.name),
        number_keys=_number_keys(supplier.corporate_id, supplier.vat_registration_id),
        bill_id=supplier.account_reference,
        currency=supplier.currency_id,
        last_modified=supplier.last_modified,
        details={
            "corporate_id": supplier.corporate_id,
            "vat_registration_id": supplier.vat_registration_id,
            "currency_override": supplier.currency_override,
        },
    )


def drafted_supplier_entry(tenant: str, number: str, etag: str | None, fields: Fields) -> Entry:
    """A supplier we just created, until Visma's list shows it."""
    corporate_id, vat_id = _text(fields.get("corporateId")), _text(fields.get("vatRegistrationId"))
    return Entry(
        tenant=tenant,
        kind="supplier",
        visma_type=SUPPLIER_TYPE,
        number=number,
        status=_text(fields.get("status")) or "Active",
        etag=etag or "",
        name=_text(fields.get("name")),
        name_key=fold_name(_text(fields.get("name")) or ""),
        number_keys=_number_keys(corporate_id, vat_id),
        bill_id=_text(fields.get("accountReference")),
        currency=_text(fields.get("currencyId")),
        details={"corporate_id": corporate_id, "vat_registration_id": vat_id},
    )


def supplier_invoice_entry(tenant: str, document: SupplierInvoice) -> Entry:
    """A supplier invoice as Visma showed it."""
    return Entry(
        tenant=tenant,
        kind="supplier_invoice",
        visma_type=document.document_type,
        number=document.number,
        status=document.status,
        etag=document.etag,
        supplier_number=document.supplier_number,
        bill_id=_marked_bill(document.note),
        reference_key=fold_reference(document.supplier_reference or ""),
        currency=document.currency_id,
        total=document.amount,
        document_date=document.date,
        last_modified=document.last_modified,
    )


def drafted_supplier_invoice_entry(
    tenant: str, number: str, etag: str | None, draft: SupplierInvoiceDraft, *, bill_id: str, hold: bool
) -> Entry:
    """A supplier invoice we just wrote, until Visma's list shows it."""
    day = _text(draft.header.get("date"))
    return Entry(
        tenant=tenant,
        kind="supplier_invoice",
        visma_type=draft.document_type,
        number=number,
        status="Hold" if hold else "Balanced",
        etag=etag or "",
        supplier_number=_text(draft.header.get("supplierNumber")),
        bill_id=bill_id,
        reference_key=fold_reference(_text(draft.header.get("supplierReference")) or ""),
        currency=draft.currency,
        total=Decimal(draft.total),
        document_date=date.fromisoformat(day[:10]) if day else None,
    )


def _marked_bill(note: str | None) -> str | None:
    found = find_marker(note)
    return found.removeprefix("BILL:") if found else None


def _number_keys(*numbers: str | None) -> tuple[str, ...]:
    return tuple(sorted(frozenset[str]().union(*(number_keys(number) for number in numbers))))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def indexed_supplier(entry: Entry, linked_vendor: str | None) -> IndexedSupplier:
    """An entry as the matching looks at it; ``linked_vendor`` is the vendor our records tie to it."""
    details = entry.details
    return IndexedSupplier(
        number=entry.number,
        name=entry.name or "",
        name_key=entry.name_key or "",
        corporate_ids=number_keys(details.get("corporate_id")),
        vat_ids=number_keys(details.get("vat_registration_id")),
        account_reference=entry.bill_id,
        linked_vendor=linked_vendor,
        status=entry.status,
        currency_id=entry.currency,
    )
