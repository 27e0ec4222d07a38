"""Bills: creating, changing, archiving, how they are shown, and which webhooks they send."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

from deploy.sandbox.bill.bill_lines import (
    HEADER_CLASSIFICATIONS,
    new_lines,
    patched_lines,
    replaced_lines,
    take_classifications,
    total_of,
)
from deploy.sandbox.bill.errors import Refusal, not_found
from deploy.sandbox.bill.fields import set_or_drop, take_date, take_object, take_text
from deploy.sandbox.bill.models import Entry, Organization
from deploy.sandbox.bill.policies import approvers_for
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json

_ZERO = Decimal("0.0")
_ONE = Decimal("1.0")
_NOTICE = (
    *("id", "vendorId", "vendorName", "invoice", "amount", "createdTime", "updatedTime", "createdBy"),
    *("archived", "description", "dueDate", "paymentStatus", "payFromChartOfAccountId"),
    *("classifications", "purchaseOrderNumber"),
)
_MONEY = ("paidAmount", "scheduledAmount", "creditAmount")


def get_bill(org: Organization, bill_id: str) -> Entry:
    """The bill; raises Refusal 404."""
    entry = org.bills.rows.get(bill_id)
    if entry is None:
        raise not_found()
    return entry


def create_bill(
    world: BillWorld, org: Organization, wanted: Json, created_by: str, *, draft: bool = False
) -> Entry:
    """Check and add a bill; raises Refusal (BILL reference: bills, create)."""
    body: Json = {"vendorId": None, **dict.fromkeys(_MONEY, _ZERO)}
    body |= {"exchangeRate": _ONE, "paymentStatus": "UNPAID", "approvalStatus": "UNASSIGNED"}
    body |= {"recordStatus": "DRAFT" if draft else "ACTIVE", "createdBy": created_by}
    _write(world, org, body, wanted, required=True)
    body["billLineItems"] = new_lines(world, wanted.get("billLineItems"))
    _retotal(body)
    approvers = approvers_for(org, body)
    if approvers:
        body |= {"approvers": approvers, "approvalStatus": "ASSIGNED"}
    entry = world.add_entry(org, "bills", "00n", body, draft=draft)
    if not draft:
        _notify(world, org, "bill.created", entry)
    return entry


def change_bill(
    world: BillWorld, org: Organization, entry: Entry, wanted: Json, *, replace: bool = False
) -> None:
    """PATCH or, with ``replace``, PUT. Lines are kept apart by id."""
    body = deepcopy(entry.body)
    if replace:
        for name in ("description", "classifications", "purchaseOrderNumber", "payFromChartOfAccountId"):
            body.pop(name, None)
    _write(world, org, body, wanted, required=replace)
    if replace:
        body["billLineItems"] = replaced_lines(world, wanted.get("billLineItems"), body["billLineItems"])
    elif "billLineItems" in wanted:
        body["billLineItems"] = patched_lines(world, wanted["billLineItems"], body["billLineItems"])
    _retotal(body)
    tells = _watched(body) != _watched(entry.body)
    entry.body = body
    world.touch(org, "bills", entry)
    if tells:
        _notify(world, org, "bill.updated", entry)


def set_bill_archived(world: BillWorld, org: Organization, entry: Entry, archived: bool) -> None:
    """Archive ("delete") or restore; doing it twice changes nothing."""
    status = _status_after(entry, archived)
    if entry.body["recordStatus"] == status:
        return
    entry.archived = archived or entry.draft
    entry.body = {**entry.body, "recordStatus": status}
    world.touch(org, "bills", entry)
    if not entry.draft:
        _notify(world, org, "bill.archived" if archived else "bill.restored", entry)


def activate_draft(world: BillWorld, org: Organization, entry: Entry) -> None:
    """A draft becomes a bill. No webhook is documented for it, so none is sent."""
    entry.draft = entry.archived = False
    entry.body = {**entry.body, "recordStatus": "ACTIVE"}
    world.touch(org, "bills", entry)


def set_payment(world: BillWorld, org: Organization, entry: Entry, status: str, paid: Decimal) -> None:
    """Note what was paid or scheduled; sends no webhook (BILL reference: events)."""
    scheduled = status in ("SCHEDULED", "PARTIALLY_SCHEDULED")
    key = "scheduledAmount" if scheduled else "paidAmount"
    entry.body = {**entry.body, "paymentStatus": status, key: paid}
    if not scheduled:
        entry.body["scheduledAmount"] = _ZERO
    _retotal(entry.body)
    world.touch(org, "bills", entry)


def bill_json(org: Organization, entry: Entry, *, with_vendor_name: bool = True) -> Json:
    """The bill as the API shows it; ``vendorName`` only on reads (BILL reference: bill fields)."""
    body = entry.body
    shown: Json = {"archived": entry.archived, "id": entry.id, "vendorId": body["vendorId"]}
    vendor = org.vendors.rows.get(body["vendorId"])
    if with_vendor_name and vendor is not None:
        shown["vendorName"] = vendor.body["name"]
    shown |= body
    shown["createdTime"] = iso_utc(entry.created_at)
    shown["updatedTime"] = iso_utc(entry.updated_at)
    return shown


def _notify(world: BillWorld, org: Organization, event: str, entry: Entry) -> None:
    world.hooks.emit(org, event, entry.id, "bill", _notice(org, entry))


def _notice(org: Organization, entry: Entry) -> Json:
    """A notification's bill: no lines, no approval, and the invoice date as a datetime."""
    whole = bill_json(org, entry)
    notice = {name: whole[name] for name in _NOTICE if name in whole}
    invoice = dict(notice.get("invoice", {}))
    if "invoiceDate" in invoice:
        invoice["invoiceDate"] += "T00:00:00.000Z"
    return {**notice, "invoice": invoice}


def _watched(body: Json) -> Any:
    invoice = body.get("invoice", {})
    return (body["vendorId"], body["amount"], invoice.get("invoiceNumber"), invoice.get("invoiceDate"))


def _write(world: BillWorld, org: Organization, body: Json, wanted: Json, *, required: bool) -> None:
    if required or "vendorId" in wanted:
        body["vendorId"] = take_text(wanted, "vendorId", required=True)
        if body["vendorId"] not in org.vendors.rows:
            raise Refusal(400, "BDC_1205")
    if required or "dueDate" in wanted:
        body["dueDate"] = take_date(wanted, "dueDate", required=True)
    if required or "invoice" in wanted:
        invoice = take_object(wanted, "invoice", required=True) or {}
        body["invoice"] = _invoice(invoice, {} if required else body.get("invoice", {}))
    for name in ("description", "purchaseOrderNumber", "payFromChartOfAccountId"):
        if name in wanted:
            set_or_drop(body, name, take_text(wanted, name))
    if "classifications" in wanted:
        set_or_drop(body, "classifications", take_classifications(wanted, HEADER_CLASSIFICATIONS))


def _invoice(wanted: Json, current: Json) -> Json:
    invoice = dict(current)
    if "invoiceNumber" in wanted:
        set_or_drop(invoice, "invoiceNumber", take_text(wanted, "invoiceNumber"))
    if "invoiceDate" in wanted:
        set_or_drop(invoice, "invoiceDate", take_date(wanted, "invoiceDate"))
    return invoice


def _retotal(body: Json) -> None:
    body["amount"] = total_of(body["billLineItems"])
    body["fundingAmount"] = body["amount"]
    taken = sum((body[name] for name in _MONEY), Decimal(0))
    body["dueAmount"] = body["amount"] - taken


def _status_after(entry: Entry, archived: bool) -> str:
    if entry.draft:
        return "DRAFT_DELETED" if archived else "DRAFT"
    return "INACTIVE" if archived else "ACTIVE"
