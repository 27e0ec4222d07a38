"""What Visma must show for a bill, by the same mapping that the sync writes with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.bill.models import Bill, Vendor
from shared.errors import NeedsPerson
from shared.fields import Fields
from workers.close.models import Facts
from workers.mapping.supplier import map_currency
from workers.mapping.supplier_invoice import map_supplier_invoice


@dataclass(frozen=True, slots=True)
class Expected:
    """The document for a bill, as far as it can be told; ``lines`` None with ``problem`` where it cannot.

    ``period`` is the entry of Visma's calendar that holds the invoice date.
    """

    document_type: str
    header: Fields
    lines: tuple[Fields, ...] | None
    total: Decimal
    currency: str
    period: str | None = None
    problem: str | None = None


def expect_document(facts: Facts, bill: Bill) -> Expected:
    """The document for a bill that goes to Visma."""
    vendor = facts.vendors.get(bill.vendor_id)
    number = facts.supplier_numbers.get(bill.vendor_id)
    if vendor is None:
        return _header_only(
            facts, bill, None, f"its vendor {bill.vendor_id} is not in BILL, or cannot be read"
        )
    try:
        draft = map_supplier_invoice(
            bill,
            vendor,
            supplier_number=number or "",
            supplier_currency=None,
            config=facts.tenant,
            codes=facts.codes,
            lists=facts.lists,
            checked=False,
        )
    except NeedsPerson as error:
        return _header_only(facts, bill, vendor, f"{error.reason}: {error.detail}")
    period = draft.header.get("financialPeriod")
    header = {name: value for name, value in draft.header.items() if name in _COMPARED}
    return Expected(
        draft.document_type,
        header if number else {**header, "supplierNumber": None},
        draft.lines,
        draft.total,
        draft.currency,
        str(period) if period else None,
    )


_COMPARED = frozenset({"supplierNumber", "supplierReference", "date", "currencyId"})


def _header_only(facts: Facts, bill: Bill, vendor: Vendor | None, problem: str) -> Expected:
    currency = map_currency(vendor, facts.tenant) if vendor else facts.tenant.mapping.currency
    header = {
        "supplierNumber": facts.supplier_numbers.get(bill.vendor_id),
        "supplierReference": bill.invoice_number,
        "date": bill.invoice_date.isoformat() if bill.invoice_date else None,
        "currencyId": currency,
    }
    kind = "DebitAdj" if bill.amount < 0 else "Invoice"
    return Expected(kind, header, None, bill.amount.copy_abs(), currency, problem=problem)
