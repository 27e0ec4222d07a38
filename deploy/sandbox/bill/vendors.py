"""Vendors: what a create or change makes of one, how it is shown, and which webhook it sends."""

from __future__ import annotations

from copy import deepcopy

from deploy.sandbox.bill.errors import not_found
from deploy.sandbox.bill.fields import set_or_drop, take_object, take_text, wrong
from deploy.sandbox.bill.models import Entry, Organization
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json

_TEXTS = ("shortName", "accountNumber", "email", "phone", "billCurrency", "rppsId", "networkStatus")
_OBJECTS = ("paymentInformation", "additionalInfo", "autoPay", "balance")
_ADDRESS_REQUIRED = ("line1", "city", "zipOrPostalCode", "country")
_ADDRESS = ("line1", "line2", "city", "stateOrProvince", "zipOrPostalCode", "country")
_ACCOUNT_TYPES = ("BUSINESS", "PERSON", "NONE", "UNDEFINED")
_WATCHED = ("name", "address", "paymentInformation", "networkStatus", "bankAccountStatus")
_COUNTRIES = {
    "SE": "Sweden",
    "DK": "Denmark",
    "NO": "Norway",
    "FI": "Finland",
    "IS": "Iceland",
    "DE": "Germany",
    "NL": "Netherlands",
    "GB": "United Kingdom",
    "US": "United States",
}


def get_vendor(org: Organization, vendor_id: str) -> Entry:
    """The vendor; raises Refusal 404."""
    entry = org.vendors.rows.get(vendor_id)
    if entry is None:
        raise not_found()
    return entry


def create_vendor(world: BillWorld, org: Organization, wanted: Json) -> Entry:
    """Check and add a vendor; raises Refusal (BILL reference: vendors, create)."""
    body: Json = {"name": take_text(wanted, "name", required=True), "accountType": "BUSINESS"}
    body["address"] = _address(take_object(wanted, "address", required=True) or {})
    body["networkStatus"] = "NOT_CONNECTED"
    _write(body, wanted)
    body.setdefault("billCurrency", "USD")
    body["bankAccountStatus"] = "NO_NET_LINKED_ACCOUNT" if _has_bank_account(body) else "NO_ACCOUNT"
    body["recurringPayments"] = False
    entry = world.add_entry(org, "vendors", "009", body)
    _notify(world, org, "vendor.created", entry)
    return entry


def change_vendor(world: BillWorld, org: Organization, entry: Entry, wanted: Json) -> None:
    """Change the given fields; ``vendor.updated`` only for what BILL lists (BILL reference: events)."""
    before = {name: deepcopy(entry.body.get(name)) for name in _WATCHED}
    body = deepcopy(entry.body)
    if "name" in wanted:
        body["name"] = take_text(wanted, "name", required=True)
    if "address" in wanted:
        body["address"] = _address(take_object(wanted, "address", required=True) or {})
    _write(body, wanted)
    entry.body = body
    world.touch(org, "vendors", entry)
    if any(body.get(name) != before[name] for name in _WATCHED):
        _notify(world, org, "vendor.updated", entry)


def set_vendor_archived(world: BillWorld, org: Organization, entry: Entry, archived: bool) -> None:
    """Archive or restore; doing it twice changes nothing."""
    if entry.archived == archived:
        return
    entry.archived = archived
    world.touch(org, "vendors", entry)
    _notify(world, org, "vendor.archived" if archived else "vendor.restored", entry)


def vendor_json(entry: Entry) -> Json:
    """The vendor as the API shows it; the bank account number masked, unset fields left out."""
    body = dict(entry.body)
    bank = body.get("paymentInformation", {}).get("bankAccount")
    if bank:
        shown = {**bank, "accountNumber": "*****" + str(bank.get("accountNumber", ""))[-4:]}
        shown.pop("routingNumber", None)
        body["paymentInformation"] = {**body["paymentInformation"], "bankAccount": shown}
    times = {"createdTime": iso_utc(entry.created_at), "updatedTime": iso_utc(entry.updated_at)}
    return {"archived": entry.archived, "id": entry.id, **body, **times}


def _notify(world: BillWorld, org: Organization, event: str, entry: Entry) -> None:
    world.hooks.emit(org, event, entry.id, "vendor", vendor_json(entry))


def _write(body: Json, wanted: Json) -> None:
    for name in _TEXTS:
        if name in wanted:
            set_or_drop(body, name, take_text(wanted, name))
    for name in _OBJECTS:
        if name in wanted:
            merged = {**body.get(name, {}), **(take_object(wanted, name) or {})}
            set_or_drop(body, name, {key: value for key, value in merged.items() if value not in (None, "")})
    if "accountType" in wanted:
        if wanted["accountType"] not in _ACCOUNT_TYPES:
            raise wrong("accountType")
        body["accountType"] = wanted["accountType"]


def _address(wanted: Json) -> Json:
    address: Json = {}
    for name in _ADDRESS:
        set_or_drop(address, name, take_text(wanted, name, required=name in _ADDRESS_REQUIRED))
    set_or_drop(address, "countryName", _COUNTRIES.get(address["country"]))
    return address


def _has_bank_account(body: Json) -> bool:
    return "bankAccount" in body.get("paymentInformation", {})
