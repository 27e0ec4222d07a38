"""What Visma should hold for what BILL holds, worked out from both systems' state alone. Pure.

Written from the field mapping that accountants are promised, without a line of the connector, so that a
mistake there is none here too. ``check_ledger`` gives every difference in words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from deploy.sandbox.jsonio import Json

MARK = "BILL:"


@dataclass(frozen=True)
class Chart:
    """How the tenant's file maps, by BILL id: accounts and cost centres, each with its default."""

    accounts: Mapping[str, str]
    account: str
    centres: Mapping[str, str]
    centre: str
    vat_by_account: Mapping[str, str] = field(default_factory=dict)
    vat: str = "25"


@dataclass(frozen=True)
class Ledger:
    """Both systems as they stand, and the log of everything that happened in Visma."""

    vendors: Sequence[Json]
    bills: Sequence[Json]
    suppliers: Sequence[Json]
    invoices: Sequence[Json]
    log: Sequence[Json]
    chart: Chart


def check_ledger(ledger: Ledger) -> list[str]:
    """Every way in which Visma is not what BILL asks for; empty where it is exactly right."""
    documents: dict[str, list[Json]] = defaultdict(list)
    for invoice in ledger.invoices:
        documents[marked_bill(invoice)].append(invoice)
    numbers = {one["accountReference"]: one["number"] for one in ledger.suppliers}
    found: list[str] = []
    for bill in ledger.bills:
        own = documents.pop(bill["id"], [])
        found += [f"bill {bill['id']}: {text}" for text in _check_bill(bill, own, numbers, ledger.chart)]
    found += [
        f"{one['documentType']} {one['referenceNumber']} is no bill's"
        for ones in documents.values()
        for one in ones
    ]
    return [*found, *_check_suppliers(ledger), *_check_log(ledger.log)]


def marked_bill(invoice: Json) -> str:
    """The id of the bill whose marker a document carries, or nothing."""
    first = str(invoice["note"] or "").split("\n")[0]
    return first.removeprefix(MARK) if first.startswith(MARK) else ""


def is_wanted(bill: Json) -> bool:
    """Whether a bill belongs in Visma, free to be paid."""
    return bool(bill["approvalStatus"] == "APPROVED" and bill["recordStatus"] == "ACTIVE" and bill["amount"])


def _check_bill(bill: Json, own: list[Json], numbers: Mapping[str, str], chart: Chart) -> Iterator[str]:
    if is_wanted(bill):
        if len(own) != 1:
            yield f"{len(own)} documents instead of one"
            return
        yield from _differences(_expected(bill, numbers, chart), _shown(own[0]))
    elif bill["recordStatus"] != "ACTIVE" and own:
        yield f"is {bill['recordStatus']} and stands in Visma"
    elif len(own) > 1 or any(not one["hold"] for one in own):
        yield f"is {bill['approvalStatus']} and stands in Visma, {len(own)} times or not on hold"


def _expected(bill: Json, numbers: Mapping[str, str], chart: Chart) -> dict[str, object]:
    sign = -1 if bill["amount"] < 0 else 1
    header: dict[str, object] = {
        "type": "DebitAdj" if sign < 0 else "Invoice",
        "supplier": numbers.get(bill["vendorId"]),
        "reference": bill["invoice"]["invoiceNumber"],
        "text": bill.get("description") or bill["invoice"]["invoiceNumber"],
        "date": bill["invoice"]["invoiceDate"],
        "due": bill["dueDate"],
        "amount": sign * Decimal(bill["amount"]),
        "currency": "SEK",
        "hold": False,
        "lines": len(bill["billLineItems"]),
    }
    for place, line in enumerate(bill["billLineItems"], start=1):
        named = line.get("classifications") or {}
        account = chart.accounts.get(named.get("chartOfAccountId", ""), chart.account)
        header[f"line {place}"] = (
            sign * Decimal(line["amount"]),
            line.get("description") or bill.get("description") or bill["invoice"]["invoiceNumber"],
            account,
            chart.centres.get(named.get("departmentId", ""), chart.centre),
            chart.vat_by_account.get(account, chart.vat),
        )
    return header


def _shown(invoice: Json) -> dict[str, object]:
    lines = sorted(invoice["invoiceLines"], key=lambda line: int(line["lineNumber"]))
    header: dict[str, object] = {
        "type": invoice["documentType"],
        "supplier": invoice["supplier"]["number"],
        "reference": invoice["supplierReference"],
        "text": invoice["description"],
        "date": invoice["date"][:10],
        "due": invoice["dueDate"][:10],
        "amount": Decimal(invoice["amount"]),
        "currency": invoice["currencyId"],
        "hold": invoice["hold"],
        "lines": len(lines),
    }
    for place, line in enumerate(lines, start=1):
        header[f"line {place}"] = (
            Decimal(line["costInCurrency"]),
            line["transactionDescription"],
            line["account"]["number"],
            line["subaccount"]["segments"][0]["segmentValue"],
            line["vatCode"]["id"],
        )
    return header


def _differences(expected: Mapping[str, object], shown: Mapping[str, object]) -> Iterator[str]:
    for name in {**expected, **shown}:
        if expected.get(name) != shown.get(name):
            yield f"{name} is {shown.get(name)} instead of {expected.get(name)}"


def _check_suppliers(ledger: Ledger) -> Iterator[str]:
    linked = Counter(one["accountReference"] for one in ledger.suppliers)
    by_vendor = {one["accountReference"]: one for one in ledger.suppliers}
    used = {bill["vendorId"] for bill in ledger.bills if is_wanted(bill)}
    for vendor in ledger.vendors:
        count = linked.pop(vendor["id"], 0)
        if count > 1 or (count == 0 and (vendor["id"] in used or not vendor["archived"])):
            yield f"vendor {vendor['id']}: {count} suppliers"
        elif count:
            for name, theirs, ours in _supplier_fields(vendor, by_vendor[vendor["id"]]):
                if theirs != ours:
                    yield f"vendor {vendor['id']}: {name} is {ours} instead of {theirs}"
    yield from (f"supplier of {key}, whom BILL does not have" for key in linked)


def _supplier_fields(vendor: Json, supplier: Json) -> Iterator[tuple[str, object, object]]:
    address, contact = vendor["address"], supplier["mainContact"]
    yield "name", vendor["name"], supplier["name"]
    yield "email", vendor.get("email"), contact["email"]
    yield "phone", vendor.get("phone"), contact["phone1"]
    yield "street", address.get("line1"), supplier["mainAddress"]["addressLine1"]
    yield "city", address.get("city"), supplier["mainAddress"]["city"]


def _check_log(log: Sequence[Json]) -> Iterator[str]:
    """Nothing may stand twice at any moment, not only at the end."""
    alive: Counter[str] = Counter()
    for effect in log:
        entity = effect["entity"]
        key = (
            marked_bill(effect["body"]) if entity == "supplierInvoice" else effect["body"]["accountReference"]
        )
        if not key:  # a person entered it, and nobody linked it yet
            continue
        if effect["kind"] == "created":
            alive[f"{entity} of {key}"] += 1
        elif effect["kind"] == "deleted":
            alive[f"{entity} of {key}"] -= 1
        if alive[f"{entity} of {key}"] > 1:
            yield f"{entity} of {key} stood twice at effect {effect['seq']}"
