"""Chart of accounts, departments, locations, jobs, items, employees and accounting classes."""

from __future__ import annotations

from deploy.sandbox.bill.errors import not_found
from deploy.sandbox.bill.fields import set_or_drop, take_object, take_text
from deploy.sandbox.bill.models import CLASSIFICATIONS, Entry, Organization
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json

_TEXTS = ("shortName", "description", "parentId", "firstName", "lastName", "email", "type")


def get_classification(org: Organization, kind: str, entry_id: str) -> Entry:
    """The record; raises Refusal 404."""
    entry = org.classifications[kind].rows.get(entry_id)
    if entry is None:
        raise not_found()
    return entry


def create_classification(world: BillWorld, org: Organization, kind: str, wanted: Json) -> Entry:
    """Check and add one; raises Refusal. No webhook exists for classifications."""
    body: Json = {"name": take_text(wanted, "name", required=True)}
    _write(body, wanted)
    return world.add_entry(org, kind, CLASSIFICATIONS[kind][1], body)


def change_classification(world: BillWorld, org: Organization, kind: str, entry: Entry, wanted: Json) -> None:
    """Change the given fields."""
    body = dict(entry.body)
    if "name" in wanted:
        body["name"] = take_text(wanted, "name", required=True)
    _write(body, wanted)
    entry.body = body
    world.touch(org, kind, entry)


def set_classification_archived(
    world: BillWorld, org: Organization, kind: str, entry: Entry, archived: bool
) -> None:
    """Archive or restore."""
    entry.archived = archived
    world.touch(org, kind, entry)


def classification_json(entry: Entry) -> Json:
    """The record as the API shows it."""
    times = {"createdTime": iso_utc(entry.created_at), "updatedTime": iso_utc(entry.updated_at)}
    return {"id": entry.id, "archived": entry.archived, **entry.body, **times}


def _write(body: Json, wanted: Json) -> None:
    for name in _TEXTS:
        if name in wanted:
            set_or_drop(body, name, take_text(wanted, name))
    account = take_object(wanted, "account")
    if account is not None:
        merged = {**body.get("account", {}), **account}
        body["account"] = {name: value for name, value in merged.items() if value not in (None, "")}
