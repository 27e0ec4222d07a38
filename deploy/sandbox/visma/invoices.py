"""Supplier invoices: creating and changing, with everything the ERP checks on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.checks import get_currency, get_period, get_supplier, require_known
from deploy.sandbox.visma.company import Company, invoice_key, touch
from deploy.sandbox.visma.errors import BusinessError
from deploy.sandbox.visma.invoice_lines import apply_lines
from deploy.sandbox.visma.models import Currency, Invoice, InvoiceLine, Period, Supplier, Totals
from deploy.sandbox.visma.status import initial, require_deletable, require_editable, toggled
from deploy.sandbox.visma.totals import Taxed, compute_totals

Overrides = Mapping[str, tuple[Decimal | None, Decimal | None]]

TYPES = ("Invoice", "DebitAdj", "CreditAdj", "Prepayment")
_LONGEST = {"supplierReference": 40, "description": 60}
_HEADER_ONLY = ("documentType", "referenceNumber", "overrideNumberSeries", "hold", "supplierNumber")


def create_invoice(
    company: Company, wanted: Json, lines: list[Json] | None, overrides: Overrides, by: str
) -> Invoice:
    """Check and add a document; raises BusinessError."""
    supplier = get_supplier(company, wanted.get("supplierNumber"))
    fields = _defaults(company, supplier) | _kept(wanted)
    currency = _currency(company, supplier, fields["currencyId"])
    rate = _rate(company, currency, fields)
    period = _period(company, fields)
    _check_header(company, supplier, fields, None)
    if any(line["operation"] != "Insert" for line in lines or []):
        raise BusinessError("Lines of a new document can only be inserted.")
    built = apply_lines(company, supplier, currency, [], lines or [])
    totals = _totals(company, supplier, currency, fields, built, overrides)
    status = initial(wanted.get("hold"), company.preferences.hold_on_entry)
    _check_total(company, wanted, totals, status)
    now = company.stamps.next()
    type = wanted.get("documentType") or "Invoice"
    invoice = Invoice(
        company.next_id(), type, _number(company, type, wanted), supplier, fields, built, totals, status,
        period, currency, rate, company.versions.next(), now, now, totals.amount, dict(overrides),
    )  # fmt: skip
    company.invoices.add(invoice_key(type, invoice.number), invoice)
    company.note("created", invoice, by)
    return invoice


def change_invoice(
    company: Company, invoice: Invoice, wanted: Json, lines: list[Json] | None, overrides: Overrides, by: str
) -> None:
    """PUT: only the given fields, lines by operation. Raises BusinessError."""
    require_editable(invoice.status, wanted if lines is None else {**wanted, "invoiceLines": lines})
    supplier = invoice.supplier
    if wanted.get("supplierNumber") not in (None, supplier.number):
        supplier = get_supplier(company, wanted["supplierNumber"])
    fields = {**invoice.fields, **_kept(wanted)}
    currency = _currency(company, supplier, fields["currencyId"])
    rate = _rate(company, currency, fields)
    period = invoice.period
    if {"date", "financialPeriod", "postPeriod"} & set(wanted):
        period = _period(company, _with_new_period(fields, wanted))
    _check_header(company, supplier, fields, invoice)
    built = apply_lines(company, supplier, currency, invoice.lines, lines or [])
    overrides = {**invoice.overrides, **overrides}
    totals = _totals(company, supplier, currency, fields, built, overrides)
    status = toggled(invoice.status, wanted.get("hold"))
    _check_total(company, wanted, totals, status)
    if invoice.status == "Open":
        totals = invoice.totals
    else:
        invoice.balance = totals.amount
    invoice.overrides = overrides
    invoice.supplier, invoice.fields, invoice.lines, invoice.totals = supplier, fields, built, totals
    invoice.currency, invoice.rate, invoice.period, invoice.status = currency, rate, period, status
    touch(company, invoice)
    company.note("updated", invoice, by)


def delete_invoice(company: Company, invoice: Invoice, by: str) -> None:
    """Remove an unreleased document; its number is not used again."""
    require_deletable(invoice.status)
    company.invoices.remove(invoice_key(invoice.type, invoice.number))
    company.note("deleted", invoice, by)


def _kept(wanted: Json) -> Json:
    return {name: value for name, value in wanted.items() if name not in _HEADER_ONLY}


def _defaults(company: Company, supplier: Supplier) -> Json:
    fields = supplier.fields
    return {
        "date": company.today().isoformat(),
        "currencyId": fields["currencyId"],
        "creditTermsId": fields.get("creditTermsId"),
        "supplierTaxZone": fields.get("vatZoneId"),
        "paymentMethod": fields.get("paymentMethodId"),
        "branchNumber": next(iter(company.branches), None),
        "taxCalculationMode": "TaxSetting",
        "paySelected": False,
    }


def _currency(company: Company, supplier: Supplier, currency_id: str) -> Currency:
    currency = get_currency(company, currency_id)
    own = supplier.fields["currencyId"]
    if currency_id != own and not supplier.fields.get("currencyOverride"):
        raise BusinessError(
            f"The currency of supplier '{supplier.number}' is {own} and cannot be overridden."
        )
    return currency


def _rate(company: Company, currency: Currency, fields: Json) -> Decimal:
    if currency.id == company.base_currency:
        return Decimal(1)
    given: Decimal | None = fields.get("exchangeRate") or company.rates.get(currency.id)
    if given is None:
        raise BusinessError(
            f"The currency rate from {currency.id} to {company.base_currency} is not defined."
        )
    return given


def _with_new_period(fields: Json, wanted: Json) -> Json:
    """Only a period given with this change counts; the old one does not outlive a new date."""
    kept = {name: value for name, value in fields.items() if name not in ("financialPeriod", "postPeriod")}
    return kept | {name: wanted[name] for name in ("financialPeriod", "postPeriod") if name in wanted}


def _period(company: Company, fields: Json) -> Period:
    key = fields.get("financialPeriod")
    posted = fields.get("postPeriod")
    if not key and posted:
        key = posted[2:] + posted[:2]
    return get_period(company, key, date.fromisoformat(fields["date"]))


def _check_header(company: Company, supplier: Supplier, fields: Json, own: Invoice | None) -> None:
    require_known(company.credit_terms, "TermsID", fields.get("creditTermsId"))
    require_known(company.branches, "BranchID", fields.get("branchNumber"))
    require_known(company.vat_zones, "TaxZoneID", fields.get("supplierTaxZone"))
    require_known(company.payment_methods, "PaymentMethodID", fields.get("paymentMethod"))
    for name, longest in _LONGEST.items():
        if len(fields.get(name) or "") > longest:
            raise BusinessError(f"'{name}' is longer than {longest} characters.")
    reference = fields.get("supplierReference")
    if not reference and company.preferences.require_supplier_ref:
        raise BusinessError("'Supplier Ref.' cannot be empty.")
    if reference and company.preferences.raise_error_on_duplicate_ref:
        _refuse_duplicate(company, supplier, str(reference), own)
    if not fields.get("dueDate"):
        days = company.credit_terms.get(fields.get("creditTermsId") or "", {}).get("days", 30)
        fields["dueDate"] = (date.fromisoformat(fields["date"]) + timedelta(days=days)).isoformat()


def _refuse_duplicate(company: Company, supplier: Supplier, reference: str, own: Invoice | None) -> None:
    for other in company.invoices.rows():
        same = other.supplier is supplier and other.fields.get("supplierReference") == reference
        if same and other is not own and other.status != "Voided":
            raise BusinessError(
                "Document with this Supplier Ref. already exists for this Supplier - see document with "
                f"reference number '{other.number}' dated '{other.fields['date']}' ."
            )


def _totals(
    company: Company,
    supplier: Supplier,
    currency: Currency,
    fields: Json,
    lines: list[InvoiceLine],
    overrides: Overrides,
) -> Totals:
    zone = fields.get("supplierTaxZone") or supplier.fields.get("vatZoneId")
    taxed = [Taxed(line.cost, company.vat_of(line.fields["vatCodeId"], zone)) for line in lines]
    mode = fields.get("taxCalculationMode") or "TaxSetting"
    rounding = fields.get("roundingDiffInCurrency") or Decimal(0)
    return compute_totals(taxed, mode, currency.places, overrides, rounding)


def _check_total(company: Company, wanted: Json, totals: Totals, status: str) -> None:
    control = wanted.get("amount")
    if company.preferences.validate_totals and status != "Hold" and control != totals.amount:
        raise BusinessError("The document is out of balance.")


def _number(company: Company, type: str, wanted: Json) -> str:
    given, override = wanted.get("referenceNumber"), wanted.get("overrideNumberSeries")
    preferences = company.preferences
    if preferences.manual_invoice_numbers and not given:
        raise BusinessError("'Reference Nbr.' cannot be empty.")
    if override and given and not preferences.manual_numbers_on_import:
        raise BusinessError("Manual numbering on imports is not allowed for the number series.")
    if not given or not (preferences.manual_invoice_numbers or override):
        return company.next_number(type)
    if company.invoices.get(invoice_key(type, given)) is not None:
        raise BusinessError(f"Document '{given}' already exists.")
    return str(given)
