"""The books of a client with one vendor and one bill, in perfect order; a test spoils what it is about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from deploy.demo.books import Books
from deploy.demo.clients import ACME
from deploy.demo.story import Story
from deploy.sandbox.jsonio import Json

VENDOR, BILL = "0090000000000000VEND", "00n0000000000000BILL"


def vendor(**changes: Any) -> Json:
    address = {"line1": "Hamngatan 2", "zipOrPostalCode": "111 47", "city": "Stockholm", "country": "SE"}
    body = {"id": VENDOR, "name": "Åkes Glas AB", "email": "ake@example.com", "phone": "+46 8 1"}
    return body | {"address": address, "billCurrency": "SEK"} | changes


def bill(**changes: Any) -> Json:
    classes = {"chartOfAccountId": "0ca1", "departmentId": "0de1"}
    line = {"amount": Decimal("10.50"), "description": "Glas", "classifications": classes}
    body = {
        "id": BILL,
        "vendorId": VENDOR,
        "amount": Decimal("10.50"),
        "invoice": {"invoiceNumber": "G-1", "invoiceDate": "2026-10-31"},
        "dueDate": "2026-11-30",
        "billLineItems": [line],
        "approvalStatus": "APPROVED",
        "archived": False,
    }
    return body | changes


def supplier(**changes: Any) -> Json:
    body = {
        "number": "50009",
        "name": "Åkes Glas AB",
        "accountReference": VENDOR,
        "mainContact": {"email": "ake@example.com", "phone1": "+46 8 1"},
        "mainAddress": {
            "addressLine1": "Hamngatan 2",
            "postalCode": "111 47",
            "city": "Stockholm",
            "country": {"id": "SE"},
        },
    }
    return body | changes


def line(**changes: Any) -> Json:
    body = {
        "transactionDescription": "Glas",
        "costInCurrency": Decimal("10.50"),
        "account": {"number": "5010"},
        "subaccount": {"segments": [{"segmentValue": "100"}]},
    }
    return body | changes


def invoice(**changes: Any) -> Json:
    body = {
        "documentType": "Invoice",
        "referenceNumber": "000001",
        "supplier": {"number": "50009", "name": "Åkes Glas AB"},
        "supplierReference": "G-1",
        "amount": Decimal("10.5000"),
        "currencyId": "SEK",
        "origInvoiceDate": "2026-10-31T00:00:00",
        "dueDate": "2026-11-30T00:00:00",
        "status": "Balanced",
        "note": f"BILL:{BILL}\nApproved by 006",
        "invoiceLines": [line()],
    }
    return body | changes


def created(entity: str, body: Json) -> Json:
    return {"kind": "created", "entity": entity, "by": "isv_connector", "body": body}


def record(kind: str = "bill", bill_id: str = BILL, state: str = "synced", reason: str | None = None) -> Json:
    return {"kind": kind, "bill_id": bill_id, "state": state, "reason": reason}


def books(**changes: Any) -> Books:
    parts: dict[str, Any] = {
        "client": ACME,
        "vendors": [vendor()],
        "bills": [bill()],
        "accounts": [{"id": "0ca1", "account": {"number": "5010"}}],
        "departments": [{"id": "0de1", "shortName": "100"}],
        "suppliers": [supplier()],
        "invoices": [invoice()],
        "log": [created("supplier", supplier()), created("supplierInvoice", invoice())],
        "records": [record("vendor", VENDOR), record()],
    }
    return Books(**parts | changes)


def story(**changes: Any) -> Story:
    return Story(old_suppliers={ACME.id: []}, **changes)
