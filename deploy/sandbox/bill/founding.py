"""Builds an organization from the JSON of the control interface."""

from __future__ import annotations

from datetime import datetime

from deploy.sandbox.bill.bills import create_bill
from deploy.sandbox.bill.classifications import create_classification
from deploy.sandbox.bill.models import CLASSIFICATIONS, DevKey, Organization, User
from deploy.sandbox.bill.policies import approved_by, set_approval
from deploy.sandbox.bill.vendors import create_vendor
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.jsonio import Json


def found_organization(world: BillWorld, wanted: Json) -> Organization:
    """An organization as described; ``deploy.sandbox.seeds`` shows every key. Raises KeyError, ValueError."""
    dev_key = wanted["dev_key"]
    org = Organization(
        wanted.get("id") or world.ids.bill("008"), wanted.get("name", "Organization"), dev_key, world.clock
    )
    org.change_settings(wanted.get("settings", {}))
    world.dev_keys.setdefault(dev_key, DevKey(dev_key))
    world.organizations[org.id] = org
    for item in wanted.get("users", []):
        add_user(world, org, item)
    for kind in CLASSIFICATIONS:
        for item in wanted.get("classifications", {}).get(kind, []):
            enter_classification(world, org, kind, item)
    for item in wanted.get("vendors", []):
        create_vendor(world, org, item)
    return org


def add_user(world: BillWorld, org: Organization, item: Json) -> User:
    """Add a user or a sync token."""
    fields = {"id": world.ids.bill("006"), "created_at": world.clock.now(), **item}
    user = User(**fields)
    org.users[user.id] = user
    return user


def enter_classification(world: BillWorld, org: Organization, kind: str, item: Json) -> str:
    """Add a classification, with a given ``id`` if the seed names one; gives its id."""
    entry = create_classification(world, org, kind, item)
    if item.get("id"):
        shelf = org.classifications[kind]
        del shelf.rows[entry.id]
        entry.id = item["id"]
        shelf.put(entry)
    return entry.id


def enter_bill(world: BillWorld, org: Organization, item: Json) -> str:
    """Add a bill as a person does in the web application; gives its id.

    Beside the API's fields: ``approvalStatus`` puts it there at once, ``draft`` keeps it a draft, and
    ``updatedTime`` dates its last change, until the next one.
    """
    users = [user.id for user in org.users.values() if not user.is_token]
    creator = users[0] if users else "006"
    entry = create_bill(world, org, item, creator, draft=bool(item.get("draft", False)))
    status = item.get("approvalStatus")
    if status:
        approvers = approved_by(world, users[:1], "APPROVED") if status == "APPROVED" else None
        set_approval(world, org, entry, status, approvers)
    if "updatedTime" in item:
        entry.updated_at = datetime.fromisoformat(item["updatedTime"])
        world.touch(org, "bills", entry, bump=False)
    return entry.id
