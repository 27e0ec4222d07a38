"""Seeding BILL, and doing in it what people do in its web application."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from deploy.sandbox.bill.bills import (
    activate_draft,
    bill_json,
    change_bill,
    get_bill,
    set_bill_archived,
    set_payment,
)
from deploy.sandbox.bill.classifications import (
    change_classification,
    classification_json,
    get_classification,
    set_classification_archived,
)
from deploy.sandbox.bill.document_routes import add_document
from deploy.sandbox.bill.founding import enter_bill, enter_classification, found_organization
from deploy.sandbox.bill.models import CLASSIFICATIONS
from deploy.sandbox.bill.policies import approved_by, set_approval
from deploy.sandbox.bill.vendors import (
    change_vendor,
    create_vendor,
    get_vendor,
    set_vendor_archived,
    vendor_json,
)
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.console.desk import Desk, Missing
from deploy.sandbox.jsonio import Json
from deploy.sandbox.options import show

_DECISIONS = {"approve": "APPROVED", "deny": "DENIED", "assign": "ASSIGNED", "withdraw": "UNASSIGNED"}


def seed_organization(desk: Desk) -> Json:
    """``POST /control/organizations``: a whole organization, its bills last."""
    org = found_organization(desk.world.bill, desk.body)
    bills = [enter_bill(desk.world.bill, org, item) for item in desk.body.get("bills", [])]
    return {
        "id": org.id,
        "users": [user.id for user in org.users.values()],
        "vendors": list(org.vendors.rows),
        "bills": bills,
        "classifications": {kind: list(org.classifications[kind].rows) for kind in CLASSIFICATIONS},
    }


def change_settings(desk: Desk) -> Json:
    """``PATCH .../settings``."""
    desk.org.change_settings(desk.body)
    return show(desk.org.settings)


def change_access(desk: Desk) -> Json:
    """``PATCH .../access``: ``locked``; a user's new ``password``, by username; ``dev_key_active``."""
    org, body = desk.org, desk.body
    org.locked = bool(body.get("locked", org.locked))
    for user in org.users.values():
        if user.username in body.get("passwords", {}):
            user.password = body["passwords"][user.username]
    if "dev_key_active" in body:
        desk.world.bill.dev_keys[org.dev_key].active = bool(body["dev_key_active"])
    return {"locked": org.locked}


def expire_sessions(desk: Desk) -> Json:
    """``POST .../expire-sessions``."""
    return {"ended": desk.world.bill.expire_sessions(desk.org.id)}


def enter_vendor(desk: Desk) -> Json:
    """``POST .../vendors``."""
    return vendor_json(create_vendor(desk.world.bill, desk.org, desk.body))


def edit_vendor(desk: Desk) -> Json:
    """``PATCH .../vendors/{id}``."""
    entry = get_vendor(desk.org, desk.params["id"])
    change_vendor(desk.world.bill, desk.org, entry, desk.body)
    return vendor_json(entry)


def archive_vendor(desk: Desk) -> Json:
    """``POST .../vendors/{id}/archive`` or ``/restore``."""
    entry = get_vendor(desk.org, desk.params["id"])
    set_vendor_archived(desk.world.bill, desk.org, entry, _archives(desk))
    return vendor_json(entry)


def add_bill(desk: Desk) -> Json:
    """``POST .../bills``, with more beside the API's fields: see ``enter_bill``."""
    bill_id = enter_bill(desk.world.bill, desk.org, desk.body)
    return bill_json(desk.org, get_bill(desk.org, bill_id))


def add_many(desk: Desk) -> Json:
    """``POST .../many``: ``vendors`` and ``bills`` in one request; gives their ids."""
    world, org = desk.world.bill, desk.org
    vendors = [create_vendor(world, org, item).id for item in desk.body.get("vendors", [])]
    return {
        "vendors": vendors,
        "bills": [enter_bill(world, org, item) for item in desk.body.get("bills", [])],
    }


def edit_bill(desk: Desk) -> Json:
    """``PATCH .../bills/{id}`` changes, ``PUT`` replaces."""
    entry = get_bill(desk.org, desk.params["id"])
    change_bill(desk.world.bill, desk.org, entry, desk.body, replace=bool(desk.body.pop("replace", False)))
    return bill_json(desk.org, entry)


def act_on_bill(desk: Desk) -> Json:
    """``POST .../bills/{id}/{action}``: archive, restore, approve, deny, assign, withdraw, pay, activate."""
    world, org, action = desk.world.bill, desk.org, desk.params["action"]
    entry = get_bill(org, desk.params["id"])
    if action in _DECISIONS:
        _decide(desk, _DECISIONS[action])
    elif action in ("archive", "restore"):
        set_bill_archived(world, org, entry, action == "archive")
    elif action == "activate":
        activate_draft(world, org, entry)
    elif action == "pay":
        amount = Decimal(str(desk.body.get("amount", entry.body["amount"])))
        set_payment(world, org, entry, desk.body.get("status", "PAID"), amount)
    else:
        raise Missing(f"no action {action}")
    return bill_json(org, entry)


def add_file(desk: Desk) -> Json:
    """``POST .../bills/{id}/documents``: ``name`` and ``content`` in base64."""
    entry = get_bill(desk.org, desk.params["id"])
    content = base64.b64decode(desk.body["content"])
    document = add_document(desk.world.bill, desk.org.id, entry.id, desk.body["name"], content)
    return {"id": document.id, "name": document.name}


def add_classification(desk: Desk) -> Json:
    """``POST .../classifications/{kind}``."""
    kind = desk.params["kind"]
    entry_id = enter_classification(desk.world.bill, desk.org, kind, desk.body)
    return classification_json(get_classification(desk.org, kind, entry_id))


def edit_classification(desk: Desk) -> Json:
    """``PATCH .../classifications/{kind}/{id}``; ``archived`` archives or restores."""
    kind, world = desk.params["kind"], desk.world.bill
    entry = get_classification(desk.org, kind, desk.params["id"])
    if "archived" in desk.body:
        set_classification_archived(world, desk.org, kind, entry, bool(desk.body.pop("archived")))
    change_classification(world, desk.org, kind, entry, desk.body)
    return classification_json(entry)


def show_state(desk: Desk) -> Any:
    """``GET /control/state/organizations/{org}/{what}``."""
    org, what = desk.org, desk.params["what"]
    if what == "vendors":
        return [vendor_json(entry) for entry in org.vendors.rows.values()]
    if what == "bills":
        return [bill_json(org, entry) for entry in org.bills.rows.values()]
    if what == "subscriptions":
        return [
            {"id": item.id, "url": item.url, "enabled": item.enabled} for item in org.subscriptions.values()
        ]
    if what == "sessions":
        return _sessions(desk)
    if what in CLASSIFICATIONS:
        return [classification_json(entry) for entry in org.classifications[what].rows.values()]
    raise Missing(f"no state {what}")


def _sessions(desk: Desk) -> list[Json]:
    sessions = desk.world.bill.sessions.values()
    return [
        {"user": session.user.username, "last_used_at": iso_utc(session.last_used_at)}
        for session in sessions
        if session.organization_id == desk.org.id
    ]


def _decide(desk: Desk, status: str) -> None:
    entry = get_bill(desk.org, desk.params["id"])
    users = desk.body.get("users") or [user.id for user in desk.org.users.values() if not user.is_token][:1]
    approvers: list[Json] | None = None
    if status in ("APPROVED", "DENIED"):
        approvers = approved_by(desk.world.bill, users, status)
    elif status == "ASSIGNED":
        approvers = approved_by(desk.world.bill, users, "WAITING")
    set_approval(desk.world.bill, desk.org, entry, status, approvers)


def _archives(desk: Desk) -> bool:
    if desk.params["action"] not in ("archive", "restore"):
        raise Missing(f"no action {desk.params['action']}")
    return desk.params["action"] == "archive"
