"""Approval policies, and what approvers do to a bill (BILL reference: approvals)."""

from __future__ import annotations

import operator
from decimal import Decimal

from deploy.sandbox.bill.errors import Refusal
from deploy.sandbox.bill.models import Entry, Organization
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json

STATUSES = ("UNASSIGNED", "ASSIGNED", "APPROVING", "APPROVED", "DENIED", "UNDEFINED")
_AMOUNT_TESTS = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
}


def approvers_for(org: Organization, bill: Json) -> list[Json]:
    """The approvers of every policy that fits a new bill, in order, each once."""
    users: dict[str, None] = {}
    for policy in org.policies.values():
        if all(_fits(rule, bill) for rule in policy["rules"]):
            users |= dict.fromkeys(policy["approvers"])
    return [
        {"userId": user, "status": "WAITING", "approverOrder": place}
        for place, user in enumerate(users, start=1)
    ]


def _fits(rule: Json, bill: Json) -> bool:
    values = [str(value) for value in rule.get("values", [])]
    if rule.get("key") == "BILL_AMOUNT":
        test = _AMOUNT_TESTS.get(str(rule.get("op")))
        return test is not None and any(test(bill["amount"], Decimal(value)) for value in values)
    if rule.get("key") == "VENDOR_ID":
        return bill["vendorId"] in values
    return False


def act(world: BillWorld, org: Organization, entry: Entry, user_id: str, action: str) -> None:
    """One approver's APPROVE or DENY; raises Refusal when the user is not asked."""
    if action not in ("APPROVE", "DENY"):
        raise Refusal(400, "BDC_1119", f"Field value is invalid: action {action}.")
    approvers = [dict(item) for item in entry.body.get("approvers", [])]
    mine = [item for item in approvers if item["userId"] == user_id and item["status"] == "WAITING"]
    if not mine:
        raise Refusal(403, "BDC_1119", "The user is not an approver of this bill.")
    mine[0]["status"] = "APPROVED" if action == "APPROVE" else "DENIED"
    mine[0]["statusChangedTime"] = iso_utc(world.clock.now())
    set_approval(world, org, entry, _status_of(approvers), approvers)


def set_approval(
    world: BillWorld, org: Organization, entry: Entry, status: str, approvers: list[Json] | None
) -> None:
    """Put a bill into an approval status: no webhook, and ``updatedTime`` moves unless switched off."""
    body = {**entry.body, "approvalStatus": status}
    if approvers is not None:
        body["approvers"] = approvers
    entry.body = body
    world.touch(org, "bills", entry, bump=org.settings.approval_bumps_updated_time)


def approved_by(world: BillWorld, user_ids: list[str], status: str) -> list[Json]:
    """Approver items as they stand after all of them acted."""
    now = iso_utc(world.clock.now())
    return [
        {"userId": user, "status": status, "approverOrder": place, "statusChangedTime": now}
        for place, user in enumerate(user_ids, start=1)
    ]


def _status_of(approvers: list[Json]) -> str:
    states = {item["status"] for item in approvers}
    if "DENIED" in states:
        return "DENIED"
    return "APPROVED" if states == {"APPROVED"} else "APPROVING"
