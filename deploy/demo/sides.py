"""One bill beside what stands in Visma for it, both brought into the same shape and compared. Pure.

Written from what an accountant would check, without a line of the connector's own mapping.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from deploy.demo.books import Books
from deploy.sandbox.jsonio import Json


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill or of a supplier invoice; a credit's amount is negative on both sides."""

    text: str
    amount: Decimal
    account: str | None
    cost_centre: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """What must be equal: a bill as it should stand in Visma, or a supplier invoice as it does."""

    partner: str
    number: str
    amount: Decimal
    currency: str
    type: str
    date: str
    due: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A bill, and the documents in Visma that name it: one, where all is well."""

    tenant: str
    bill: Json
    wanted: Document
    invoices: tuple[Json, ...]
    found: Document | None
    record: Json | None

    @property
    def state(self) -> str:
        """What the connector says of the bill; ``none`` where it does not know it."""
        return str(self.record["state"]) if self.record else "none"

    @property
    def is_wanted(self) -> bool:
        """Whether the bill should stand in Visma as far as BILL alone can tell."""
        return self.bill["approvalStatus"] == "APPROVED" and not self.bill["archived"]

    def list_differences(self) -> list[str]:
        """The fields in which Visma differs from BILL, each with both values."""
        if self.found is None:
            return []
        pairs = [
            (one.name, getattr(self.wanted, one.name), getattr(self.found, one.name))
            for one in fields(Document)
        ]
        return [
            f"{name}: BILL {_said(wanted)}, Visma {_said(found)}"
            for name, wanted, found in pairs
            if wanted != found
        ]


def pair_up(books: Books, partners: dict[str, str]) -> list[Pair]:
    """Every bill of a client with its documents, in the order in which the bills were entered.

    ``partners`` names the supplier number that the story expects for a vendor that was in Visma before.
    """
    records = {record["bill_id"]: record for record in books.records if record["kind"] == "bill"}
    pairs = []
    for bill in books.bills:
        invoices = tuple(books.invoices_of(bill["id"]))
        found = read_invoice(invoices[0], partners) if len(invoices) == 1 else None
        wanted = read_bill(bill, books, partners)
        pairs.append(Pair(books.client.id, bill, wanted, invoices, found, records.get(bill["id"])))
    return pairs


def read_bill(bill: Json, books: Books, partners: dict[str, str]) -> Document:
    """How a bill should stand in Visma."""
    vendor = books.vendors_by_id[bill["vendorId"]]
    amount = Decimal(bill["amount"])
    return Document(
        partner=partners.get(vendor["id"]) or str(vendor["name"]),
        number=bill["invoice"]["invoiceNumber"],
        amount=amount,
        currency=vendor.get("billCurrency") or books.client.country.currency,
        type="Invoice" if amount >= 0 else "DebitAdj",
        date=bill["invoice"]["invoiceDate"],
        due=bill["dueDate"],
        lines=tuple(_bill_line(line, books) for line in bill["billLineItems"]),
    )


def read_invoice(invoice: Json, partners: dict[str, str]) -> Document:
    """How a supplier invoice stands in Visma, a credit with its sign turned back."""
    sign = -1 if invoice["documentType"] == "DebitAdj" else 1
    supplier = invoice["supplier"]
    known = supplier["number"] in partners.values()
    return Document(
        partner=str(supplier["number"] if known else supplier["name"]),
        number=invoice["supplierReference"],
        amount=sign * Decimal(invoice["amount"]),
        currency=invoice["currencyId"],
        type=invoice["documentType"],
        date=invoice["origInvoiceDate"][:10],
        due=invoice["dueDate"][:10],
        lines=tuple(_invoice_line(line, sign) for line in invoice["invoiceLines"]),
    )


def _bill_line(line: Json, books: Books) -> Line:
    classes = line.get("classifications", {})
    numbers = {account["id"]: account["account"]["number"] for account in books.accounts}
    centres = {department["id"]: department["shortName"] for department in books.departments}
    account = numbers.get(classes.get("chartOfAccountId"))
    return Line(
        text=line.get("description", ""),
        amount=Decimal(line["amount"]),
        account=books.client.accounts.get(account or ""),
        cost_centre=centres.get(classes.get("departmentId")),
    )


def _invoice_line(line: Json, sign: int) -> Line:
    segments = line["subaccount"]["segments"] if line.get("subaccount") else []
    return Line(
        text=line["transactionDescription"] or "",
        amount=sign * Decimal(line["costInCurrency"]),
        account=line["account"]["number"],
        cost_centre=segments[0]["segmentValue"] if segments else None,
    )


def _said(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, tuple):
        return "; ".join(_said(line) for line in value)
    if isinstance(value, Line):
        return f"{value.text} {_said(value.amount)} on {value.account}/{value.cost_centre}"
    return str(value)
