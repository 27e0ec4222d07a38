"""A BILL bill as the Visma supplier invoice it becomes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shared.bill.models import Bill, Vendor
from shared.errors import NeedsPerson
from shared.fields import Fields, FieldValue
from shared.tenants import TenantConfig
from shared.visma.models import Lists
from workers.mapping.amounts import check_sum
from workers.mapping.checks import check_currency, check_lines
from workers.mapping.codes import Codes
from workers.mapping.equality import same_fields, same_value
from workers.mapping.lines import map_lines
from workers.mapping.notes import compose_note, find_cuts
from workers.mapping.periods import choose_period, find_period
from workers.mapping.supplier import map_credit_terms, map_currency
from workers.mapping.text import REFERENCE_LIMIT, cut, is_blank
from workers.mapping.vat import map_vat


@dataclass(frozen=True, slots=True)
class WrittenBody:
    """The header and lines of a document as we last wrote them."""

    header: Fields
    lines: tuple[Fields, ...]


@dataclass(frozen=True, slots=True)
class SupplierInvoiceDraft:
    """What Visma is to show for a bill; ``hold`` is not part of it, see ``create_hold``.

    ``total`` is the document's amount including VAT in ``currency``, never negative. ``notes`` are for the
    history.
    """

    document_type: str
    header: Fields
    lines: tuple[Fields, ...]
    total: Decimal
    currency: str
    notes: tuple[str, ...] = ()

    def is_written(self, written: WrittenBody) -> bool:
        """Whether this is what we wrote last, so that nothing has to be sent."""
        header = {name: value for name, value in written.header.items() if name != "hold"}
        return (
            same_fields(self.header, header)
            and len(self.lines) == len(written.lines)
            and all(map(same_fields, self.lines, written.lines))
        )


def create_hold(config: TenantConfig) -> bool:
    """Whether a document is created on hold: as the setting says, or until its amounts were verified."""
    return config.sync.hold or config.sync.release_invoices


def map_supplier_invoice(
    bill: Bill,
    vendor: Vendor,
    *,
    supplier_number: str,
    supplier_currency: str | None,
    config: TenantConfig,
    codes: Codes,
    lists: Lists,
    written: WrittenBody | None = None,
    checked: bool = True,
) -> SupplierInvoiceDraft:
    """The supplier invoice for a bill. ``supplier_currency`` is None where the supplier takes any currency.

    With ``written``, the body we wrote last, the document keeps its period while its date stays, and a draft
    that equals it is not judged again: an account or period closed since does not hold what is in the books.
    ``checked=False`` leaves out the comparison with Visma's lists altogether, for a released document whose
    difference is only to be told. Raises NeedsPerson with a stable reason and what to do next.
    """
    if bill.amount.is_zero():
        raise NeedsPerson("zero_amount", "the bill's total is zero: correct or archive it in BILL")
    job = _Job(bill, vendor, supplier_number, config, codes, lists)
    day = _get_invoice_date(bill)
    known = lists.currencies.get(job.currency)
    check_sum(bill, job.currency, known.precision if known else None)
    kept = _find_kept_period(day, written)
    draft = job.compose(kept or _find_new_period(day, config, lists, checked=checked))
    if not checked or (written is not None and draft.is_written(written)):
        return draft
    if kept is not None and not _is_open(kept, lists):
        draft = job.compose(_find_new_period(day, config, lists, checked=True))
    check_currency(job.currency, supplier_number, supplier_currency, lists)
    check_lines(draft.lines, lists)
    return draft


class _Job:
    """One bill on its way; what does not depend on the period is found once."""

    def __init__(
        self,
        bill: Bill,
        vendor: Vendor,
        supplier_number: str,
        config: TenantConfig,
        codes: Codes,
        lists: Lists,
    ) -> None:
        self.bill, self.config, self.codes, self.lists = bill, config, codes, lists
        self.vendor = vendor
        self.supplier_number = supplier_number
        self.reference = _get_reference(bill)
        self.text = self.reference if is_blank(bill.description) else bill.description or ""
        self.currency = map_currency(vendor, config)
        self.vat = map_vat(vendor, config.mapping)

    def compose(self, period: str | None) -> SupplierInvoiceDraft:
        """The draft, posted into ``period``."""
        header = self._compose_header(period)
        return SupplierInvoiceDraft(
            document_type=str(header["documentType"]),
            header=header,
            lines=map_lines(
                self.bill, text=self.text, vat=self.vat, mapping=self.config.mapping, codes=self.codes
            ),
            total=self.bill.amount.copy_abs(),
            currency=self.currency,
            notes=self._compose_notes(period),
        )

    def _compose_header(self, period: str | None) -> Fields:
        bill, mapping = self.bill, self.config.mapping
        day = _get_invoice_date(bill).isoformat()
        note = compose_note(
            bill, reference=self.reference, text=self.text, posting=self._describe_posting(period)
        )
        header: dict[str, FieldValue] = {
            "documentType": "DebitAdj" if bill.amount < 0 else "Invoice",
            "supplierNumber": self.supplier_number,
            "supplierReference": cut(self.reference, REFERENCE_LIMIT),
            "date": day,
            "origInvoiceDate": day,
            "financialPeriod": period,
            "dueDate": bill.due_date.isoformat() if bill.due_date else None,
            "currencyId": self.currency,
            "creditTermsId": map_credit_terms(self.vendor, self.config),
            "paySelected": False if self.config.sync.payments == "bill" else None,
            "branchNumber": mapping.branch,
            "description": cut(self.text, REFERENCE_LIMIT),
            "note": note,
            "taxCalculationMode": self.vat.mode,
        }
        return {name: value for name, value in header.items() if value is not None}

    def _compose_notes(self, period: str | None) -> tuple[str, ...]:
        cuts = find_cuts(self.bill, reference=self.reference, text=self.text)
        notes = [f"{what.lower()} shortened, the whole is in the note" for what, _ in cuts]
        posting = self._describe_posting(period)
        return tuple([*notes, posting] if posting else notes)

    def _describe_posting(self, period: str | None) -> str | None:
        day = _get_invoice_date(self.bill)
        own = find_period(day, self.lists.periods)
        if period is None or own is None or own.id == period:
            return None
        return f"Dated {day}, posted into period {period} since {own.id} was closed"


def _get_reference(bill: Bill) -> str:
    if bill.invoice_number is None or is_blank(bill.invoice_number):
        raise NeedsPerson("missing_reference", "the bill has no invoice number: enter it in BILL")
    return bill.invoice_number


def _get_invoice_date(bill: Bill) -> date:
    if bill.invoice_date is None:
        raise NeedsPerson(
            "period_missing", "the bill has no invoice date, so no period can be found: enter it in BILL"
        )
    return bill.invoice_date


def _find_kept_period(day: date, written: WrittenBody | None) -> str | None:
    if written is None or not same_value("date", written.header.get("date"), day.isoformat()):
        return None
    period = written.header.get("financialPeriod")
    return str(period) if period else None


def _find_new_period(day: date, config: TenantConfig, lists: Lists, *, checked: bool) -> str | None:
    if checked:
        return choose_period(day, lists.periods, next_open=config.sync.closed_period == "next_open").id
    period = find_period(day, lists.periods)
    return period.id if period else None


def _is_open(period_id: str, lists: Lists) -> bool:
    return any(period.id == period_id and period.is_open for period in lists.periods)
