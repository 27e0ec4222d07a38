"""Vendors, bills, users and approvals over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from deploy.sandbox.bill.bills import (
    bill_json,
    change_bill,
    create_bill,
    get_bill,
    set_bill_archived,
    set_payment,
)
from deploy.sandbox.bill.errors import Refusal, missing, not_found
from deploy.sandbox.bill.fields import take_amount, take_date, take_text, wrong
from deploy.sandbox.bill.filters import BILL_FILTERS, BILL_SORTS, VENDOR_FILTERS, VENDOR_SORTS
from deploy.sandbox.bill.models import User
from deploy.sandbox.bill.paging import Listing, list_page
from deploy.sandbox.bill.policies import act
from deploy.sandbox.bill.vendors import (
    change_vendor,
    create_vendor,
    get_vendor,
    set_vendor_archived,
    vendor_json,
)
from deploy.sandbox.bill.world import Visit
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Reply, json_reply

_VENDORS = Listing("vendors", VENDOR_FILTERS, VENDOR_SORTS)
_BILLS = Listing("bills", BILL_FILTERS, BILL_SORTS)
_LARGEST_BULK = {"vendors": 20, "bills": 100}


def list_vendors(visit: Visit) -> Reply:
    """``GET /v3/vendors``."""
    return json_reply(list_page(visit.call, visit.org, visit.org.vendors, _VENDORS, vendor_json))


def fetch_vendor(visit: Visit) -> Reply:
    """``GET /v3/vendors/{id}``."""
    return json_reply(vendor_json(get_vendor(visit.org, visit.call.params["id"])))


def post_vendor(visit: Visit) -> Reply:
    """``POST /v3/vendors``."""
    entry = create_vendor(visit.world, visit.org, visit.call.json_object())
    return json_reply(vendor_json(entry), 201)


def post_vendors(visit: Visit) -> Reply:
    """``POST /v3/vendors/bulk``: up to 20, all or nothing."""
    wanted = _bulk(visit, "vendors")
    for item in wanted:
        _require_vendor(item)
    entries = [create_vendor(visit.world, visit.org, item) for item in wanted]
    return json_reply({"vendors": [vendor_json(entry) for entry in entries]}, 201)


def patch_vendor(visit: Visit) -> Reply:
    """``PATCH /v3/vendors/{id}``; the bank account has a resource of its own."""
    entry = get_vendor(visit.org, visit.call.params["id"])
    wanted = visit.call.json_object()
    if "bankAccount" in (wanted.get("paymentInformation") or {}):
        raise wrong("paymentInformation.bankAccount")
    change_vendor(visit.world, visit.org, entry, wanted)
    return json_reply(vendor_json(entry))


def archive_vendor(visit: Visit) -> Reply:
    """``POST /v3/vendors/{id}/archive`` and ``/restore``."""
    entry = get_vendor(visit.org, visit.call.params["id"])
    set_vendor_archived(visit.world, visit.org, entry, visit.call.path.endswith("/archive"))
    return json_reply(vendor_json(entry))


def list_bills(visit: Visit) -> Reply:
    """``GET /v3/bills``."""
    org = visit.org
    return json_reply(list_page(visit.call, org, org.bills, _BILLS, lambda entry: bill_json(org, entry)))


def fetch_bill(visit: Visit) -> Reply:
    """``GET /v3/bills/{id}``."""
    return json_reply(bill_json(visit.org, get_bill(visit.org, visit.call.params["id"])))


def post_bill(visit: Visit) -> Reply:
    """``POST /v3/bills``."""
    entry = create_bill(visit.world, visit.org, visit.call.json_object(), visit.session.user.id)
    return json_reply(bill_json(visit.org, entry, with_vendor_name=False), 201)


def post_bills(visit: Visit) -> Reply:
    """``POST /v3/bills/bulk``: bare arrays, all or nothing (BDC_1246 on rollback)."""
    wanted = _bulk(visit, "bills")
    for item in wanted:
        _require_bill(visit, item)
    entries = [create_bill(visit.world, visit.org, item, visit.session.user.id) for item in wanted]
    return json_reply([bill_json(visit.org, entry, with_vendor_name=False) for entry in entries], 201)


def patch_bill(visit: Visit) -> Reply:
    """``PATCH`` changes the listed fields, ``PUT`` replaces the bill."""
    entry = get_bill(visit.org, visit.call.params["id"])
    replace = visit.call.method == "PUT"
    change_bill(visit.world, visit.org, entry, visit.call.json_object(), replace=replace)
    return json_reply(bill_json(visit.org, entry, with_vendor_name=False))


def archive_bill(visit: Visit) -> Reply:
    """``POST /v3/bills/{id}/archive`` and ``/restore``."""
    entry = get_bill(visit.org, visit.call.params["id"])
    set_bill_archived(visit.world, visit.org, entry, visit.call.path.endswith("/archive"))
    return json_reply(bill_json(visit.org, entry, with_vendor_name=False))


def record_payment(visit: Visit) -> Reply:
    """``POST /v3/bills/record-payment``: notes payments made outside BILL."""
    body = visit.call.json_object()
    vendor_id = take_text(body, "vendorId", required=True)
    take_date(body, "processDate", required=True)
    payments = body.get("payments")
    if not isinstance(payments, list) or not payments:
        raise missing("payments")
    paid = [_payment(visit, item) for item in payments]
    return json_reply({"id": visit.world.ids.bill("stp"), "vendorId": vendor_id, "billPayments": paid})


def list_users(visit: Visit) -> Reply:
    """``GET /v3/users``."""
    return json_reply(
        {"results": [_user_json(user) for user in visit.org.users.values() if not user.is_token]}
    )


def fetch_user(visit: Visit) -> Reply:
    """``GET /v3/users/{id}``."""
    user = visit.org.users.get(visit.call.params["id"])
    if user is None:
        raise not_found()
    return json_reply(_user_json(user))


def post_actions(visit: Visit) -> Reply:
    """``POST /v3/bill-approvals/actions`` of the signed-in user."""
    actions = visit.call.json()
    if not isinstance(actions, list) or not actions:
        raise missing("billId")
    for item in actions:
        entry = get_bill(visit.org, str(take_text(item, "billId", required=True)))
        act(visit.world, visit.org, entry, visit.session.user.id, str(item.get("action")))
    return json_reply({"status": "SUCCESS"})


def list_pending(visit: Visit) -> Reply:
    """``GET /v3/bill-approvals/pending-user-approvals``: what waits for the signed-in user."""
    mine = {"userId": visit.session.user.id, "status": "WAITING"}
    waiting = [
        {"billId": entry.id, **{name: entry.body[name] for name in ("vendorId", "amount", "dueDate")}}
        for entry in visit.org.bills.rows.values()
        if any(mine.items() <= item.items() for item in entry.body.get("approvers", []))
    ]
    return json_reply({"bills": waiting})


def _bulk(visit: Visit, kind: str) -> list[Json]:
    wanted = visit.call.json()
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _LARGEST_BULK[kind]:
        raise Refusal(400, "BDC_1246", f"From 1 to {_LARGEST_BULK[kind]} {kind} at once.")
    if not all(isinstance(item, dict) for item in wanted):
        raise wrong(kind)
    return wanted


def _require_vendor(item: Json) -> None:
    address: Any = item.get("address")
    if not item.get("name") or not isinstance(address, dict):
        raise Refusal(400, "BDC_1246")
    if not all(address.get(name) for name in ("line1", "city", "zipOrPostalCode", "country")):
        raise Refusal(400, "BDC_1246")


def _require_bill(visit: Visit, item: Json) -> None:
    lines = item.get("billLineItems")
    good = item.get("vendorId") in visit.org.vendors.rows and isinstance(item.get("invoice"), dict)
    if not good or not item.get("dueDate") or not isinstance(lines, list) or not lines:
        raise Refusal(400, "BDC_1246")


def _payment(visit: Visit, item: Json) -> Json:
    entry = get_bill(visit.org, str(take_text(item, "billId", required=True)))
    amount = take_amount(item, "amount")
    if amount is None or amount <= 0:
        raise wrong("amount")
    paid = entry.body["paidAmount"] + amount
    status = "PAID" if paid >= entry.body["amount"] else "PARTIALLY_PAID"
    set_payment(visit.world, visit.org, entry, status, Decimal(paid))
    return {"id": visit.world.ids.bill("blp"), "billId": entry.id, "amount": amount}


def _user_json(user: User) -> Json:
    made_at = iso_utc(user.created_at) if user.created_at else None
    return {
        "id": user.id,
        "archived": user.archived,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.email,
        "role": {"type": user.role, "description": user.role.title()},
        "createdTime": made_at,
        "updatedTime": made_at,
    }
