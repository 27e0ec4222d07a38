"""What people do in Visma's screens: the same rules as the API, plain fields instead of wrapped ones."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.company import Company, invoice_key
from deploy.sandbox.visma.errors import BusinessError
from deploy.sandbox.visma.invoice_lines import read_lines, read_tax_details
from deploy.sandbox.visma.invoices import change_invoice, create_invoice
from deploy.sandbox.visma.models import Invoice, Supplier
from deploy.sandbox.visma.shapes import INVOICE, SUPPLIER, read_fields, wrapped
from deploy.sandbox.visma.suppliers import change_supplier, create_supplier

PERSON = "person"
_BARE = ("operation", "subaccount", "invoiceLines", "taxDetailLines")


def enter_supplier(company: Company, plain: Json) -> Supplier:
    """A person enters a supplier; ``plain`` has the write names without wrappers."""
    return create_supplier(company, read_fields(_wrap(plain), SUPPLIER), _details(plain) or [], PERSON)


def edit_supplier(company: Company, number: str, plain: Json) -> Supplier:
    """A person changes a supplier."""
    supplier = find_supplier(company, number)
    change_supplier(company, supplier, read_fields(_wrap(plain), SUPPLIER), _details(plain), PERSON)
    return supplier


def enter_invoice(company: Company, plain: Json) -> Invoice:
    """A person enters a document, lines as ``invoiceLines`` of plain fields."""
    body = _wrap_document(plain)
    return create_invoice(
        company, read_fields(body, INVOICE), read_lines(body), read_tax_details(body), PERSON
    )


def edit_invoice(company: Company, type: str, number: str, plain: Json) -> Invoice:
    """A person changes a document."""
    invoice, body = find_invoice(company, type, number), _wrap_document(plain)
    wanted = read_fields(body, INVOICE)
    change_invoice(company, invoice, wanted, read_lines(body), read_tax_details(body), PERSON)
    return invoice


def find_supplier(company: Company, number: str) -> Supplier:
    """The supplier; raises BusinessError."""
    supplier = company.suppliers.get(number)
    if supplier is None:
        raise BusinessError(f"Supplier '{number}' cannot be found in the system.")
    return supplier


def find_invoice(company: Company, type: str, number: str) -> Invoice:
    """The document; raises BusinessError."""
    invoice = company.invoices.get(invoice_key(type, number))
    if invoice is None:
        raise BusinessError(f"Document '{type} {number}' cannot be found in the system.")
    return invoice


def edit_for_race(company: Company, params: Mapping[str, str], change: Json) -> None:
    """The edit of a ``race`` fault: of what the route names, or nothing where it is not there."""
    if "supplier" in params and company.suppliers.get(params["supplier"]) is not None:
        edit_supplier(company, params["supplier"], change or {"paymentLeadTime": 1})
    elif "number" in params:
        type = params.get("type", "Invoice")
        invoice = company.invoices.get(invoice_key(type, params["number"]))
        if invoice is not None:
            edit_invoice(company, type, invoice.number, change or {"paymentRefNo": "edited by a person"})


def _wrap(plain: Json) -> Json:
    return {name: wrapped(value) for name, value in plain.items() if name != "supplierPaymentMethodDetails"}


def _details(plain: Json) -> list[Json] | None:
    found: Any = plain.get("supplierPaymentMethodDetails")
    return found if isinstance(found, list) else None


def _wrap_document(plain: Json) -> Json:
    body = {name: wrapped(value) for name, value in plain.items() if name not in _BARE}
    for name in ("invoiceLines", "taxDetailLines"):
        if name in plain:
            body[name] = [_wrap_line(item) for item in plain[name]]
    return body


def _wrap_line(plain: Json) -> Json:
    bare = {name: plain[name] for name in _BARE if name in plain}
    return {name: wrapped(value) for name, value in plain.items() if name not in _BARE} | bare


def as_amount(value: Any) -> Decimal | None:
    """An amount of a control request."""
    return None if value is None else Decimal(str(value))
