"""How reads show a supplier invoice (Visma reference: SupplierInvoiceDto)."""

from __future__ import annotations

from decimal import Decimal

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.models import Attachment, Invoice, InvoiceLine, Subaccount
from deploy.sandbox.visma.totals import rounded

_FOUR = Decimal("0.0001")
_ZERO = Decimal("0.0000")
_PLAIN = ("supplierReference", "description", "paymentRefNo", "paymentMessage", "cashAccount")


def shown(amount: Decimal) -> Decimal:
    """Four decimals, as reads print money; compare numerically."""
    return amount.quantize(_FOUR)


def invoice_json(company: Company, invoice: Invoice) -> Json:
    """The DTO without note, attachments and metadata, which depend on the question."""
    fields, supplier, totals = invoice.fields, invoice.supplier, invoice.totals
    return {
        "documentType": invoice.type,
        "referenceNumber": invoice.number,
        "supplier": {"internalId": supplier.id, "number": supplier.number, "name": supplier.fields["name"]},
        **{name: fields.get(name) for name in _PLAIN},
        "status": invoice.status,
        "approvalStatus": "New",
        "hold": invoice.status == "Hold",
        **_dates(invoice),
        "currencyId": invoice.currency.id,
        "exchangeRate": invoice.rate,
        **_named_fields(company, fields),
        "paySelected": bool(fields.get("paySelected")),
        "taxCalculationMode": fields.get("taxCalculationMode") or "TaxSetting",
        "amount": shown(totals.amount),
        "vatAmount": shown(totals.vat),
        **_sums(company, invoice),
        "taxDetailLines": _tax_lines(invoice),
        "invoiceLines": [_line_json(company, invoice, line) for line in invoice.lines],
        "landedCosts": None,
        "approvalDetails": None,
        "createdDateTime": company.local(invoice.created_at),
        "lastModifiedDateTime": company.local(invoice.modified_at),
        "documentVersionNumber": 1,
        "timeStamp": invoice.version,
        "errorInfo": "",
    }


def attachment_json(attachment: Attachment) -> Json:
    """An entry of ``attachments``."""
    return {"name": attachment.name, "id": attachment.id, "revision": attachment.revision}


def subaccount_json(company: Company, subaccount: Subaccount) -> Json:
    """The combination with the words of each segment."""
    segments = [
        {
            "segmentId": segment.id,
            "segmentDescription": segment.description,
            "segmentValue": value,
            "segmentValueDescription": segment.values[value].description if value in segment.values else None,
        }
        for segment, value in zip(company.segments.values(), subaccount.values, strict=False)
    ]
    return {
        "subaccountNumber": subaccount.number,
        "subaccountId": subaccount.id,
        "description": None,
        "lastModifiedDateTime": company.local(subaccount.modified_at) if subaccount.modified_at else None,
        "active": subaccount.active,
        "segments": segments,
        "timeStamp": subaccount.version,
    }


def in_base(company: Company, invoice: Invoice, amount: Decimal) -> Decimal:
    """An amount in the company's own currency."""
    places = company.currencies[company.base_currency].places
    return rounded(amount * invoice.rate, places)


def _dates(invoice: Invoice) -> Json:
    fields, period = invoice.fields, invoice.period
    return {
        **{name: _day(fields.get(name)) for name in ("date", "dueDate", "cashDiscountDate")},
        "origInvoiceDate": _day(fields.get("origInvoiceDate") or fields["date"]),
        "payDate": _day(fields.get("payDate") or fields.get("dueDate")),
        "postPeriod": f"{period.period}{period.year}",
        "financialPeriod": period.key,
        "closedFinancialPeriod": period.key if invoice.status == "Closed" else None,
    }


def _named_fields(company: Company, fields: Json) -> Json:
    terms, method = fields.get("creditTermsId"), fields.get("paymentMethod")
    zone, branch = fields.get("supplierTaxZone"), fields.get("branchNumber")
    return {
        "creditTerms": _named(terms, company.credit_terms.get(terms or "", {}).get("description")),
        "paymentMethod": _named(method, company.payment_methods.get(method or "")),
        "location": {"countryId": company.country, "id": "MAIN", "name": "Primary Location"},
        "branchNumber": _numbered(branch, company.branches.get(branch or "")),
        "supplierTaxZone": _named(zone, company.vat_zones.get(zone or "")),
    }


def _sums(company: Company, invoice: Invoice) -> Json:
    totals = invoice.totals
    sums = {
        "detailTotal": totals.detail,
        "discountTotal": _ZERO,
        "vatTaxableTotal": totals.taxable,
        "vatExemptTotal": totals.exempt,
        "vatTotal": totals.vat,
        "withholdingTax": _ZERO,
        "balance": invoice.balance,
        "cashDiscount": _ZERO,
        "roundingDiff": invoice.fields.get("roundingDiffInCurrency") or _ZERO,
    }
    answer: Json = {}
    for name, amount in sums.items():
        answer[name] = shown(in_base(company, invoice, amount))
        answer[f"{name}InCurrency"] = shown(amount)
    return answer


def _tax_lines(invoice: Invoice) -> list[Json]:
    return [
        {
            "taxId": tax.vat.id,
            "recordId": place,
            "vatId": {"number": tax.vat.id, "description": tax.vat.description},
            "vatRate": tax.vat.rate,
            "taxableAmount": shown(tax.taxable),
            "vatAmount": shown(tax.amount),
        }
        for place, tax in enumerate(invoice.totals.tax_lines, start=1)
    ]


def _line_json(company: Company, invoice: Invoice, line: InvoiceLine) -> Json:
    fields = line.fields
    account = company.accounts[fields["accountNumber"]]
    category = fields["vatCodeId"]
    branch = fields.get("branchNumber") or invoice.fields.get("branchNumber")
    return {
        "lineNumber": line.number,
        "inventoryNumber": fields.get("inventoryNumber"),
        "stockItem": False,
        "transactionDescription": fields.get("transactionDescription"),
        "quantity": shown(line.quantity),
        "uom": fields.get("uom"),
        "unitCost": shown(in_base(company, invoice, line.unit_cost)),
        "unitCostInCurrency": line.unit_cost.quantize(Decimal("0.000001")),
        "cost": shown(in_base(company, invoice, line.cost)),
        "costInCurrency": shown(line.cost),
        "discountPercent": _ZERO,
        "discountAmount": _ZERO,
        "discountAmountInCurrency": _ZERO,
        "manualDiscount": False,
        "account": {
            "type": account.type,
            "externalCode1": None,
            "externalCode2": None,
            "active": account.active,
            "number": account.number,
            "description": account.description,
        },
        "subaccount": subaccount_json(company, line.subaccount),
        "vatCode": {"id": category, "description": company.vat_categories[category].description},
        "branchNumber": _numbered(branch, company.branches.get(branch or "")),
        "note": fields.get("note"),
        "project": {"id": fields.get("projectId") or "X", "description": "Non-project code"},
        "attachments": None,
    }


def _named(key: str | None, description: str | None) -> Json | None:
    return {"id": key, "description": description} if key else None


def _numbered(key: str | None, name: str | None) -> Json | None:
    return {"number": key, "name": name} if key else None


def _day(text: str | None) -> str | None:
    return f"{text}T00:00:00" if text else None
