"""Builds a company from the JSON of the control interface."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from deploy.sandbox.jsonio import Json
from deploy.sandbox.options import change
from deploy.sandbox.visma.checks import add_subaccount
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.dimension_routes import set_value
from deploy.sandbox.visma.models import Account, Currency, Period, Segment, Vat, VatCategory
from deploy.sandbox.visma.people import enter_invoice, enter_supplier
from deploy.sandbox.visma.world import ALL_SCOPES, ClientApp, VismaWorld


def found_company(world: VismaWorld, wanted: Json) -> Company:
    """A company as described; ``deploy.sandbox.seeds`` shows every key. Raises KeyError, ValueError."""
    company = Company(
        str(wanted["company_id"]),
        wanted["tenant_id"],
        str(wanted.get("name", wanted["company_id"])),
        world.clock,
        world.bump,
        int(wanted.get("seed", 1)),
    )
    company.country = wanted.get("country", company.country)
    company.zone = ZoneInfo(wanted.get("time_zone", "Europe/Oslo"))
    company.base_currency = wanted.get("base_currency", company.base_currency)
    change(company.settings, wanted.get("settings", {}))
    change(company.preferences, wanted.get("preferences", {}))
    _set_up(company, wanted)
    world.companies[company.company_id] = company
    for client in wanted.get("clients", []):
        _add_client(world, company, client)
    for plain in wanted.get("suppliers", []):
        enter_supplier(company, plain)
    for plain in wanted.get("invoices", []):
        enter_invoice(company, plain)
    return company


def _set_up(company: Company, wanted: Json) -> None:
    for item in wanted.get("accounts", []):
        set_account(company, item)
    for item in wanted.get("segments", []):
        add_segment(company, item)
    for item in wanted.get("subaccounts", []):
        add_subaccount(company, tuple(item))
    for item in wanted.get("vat_categories", []):
        company.vat_categories[item["id"]] = VatCategory(**item)
    for item in wanted.get("vats", []):
        company.vats[item["id"]] = Vat(**{**item, "rate": Decimal(str(item["rate"]))})
    for item in wanted.get("currencies", []):
        company.currencies[item["id"]] = Currency(**item)
    for item in wanted.get("periods", []):
        add_period(company, item)
    company.rates = {key: Decimal(str(rate)) for key, rate in wanted.get("rates", {}).items()}
    company.default_supplier_class = wanted.get("default_supplier_class")
    for name in ("vat_zones", "credit_terms", "branches", "departments", "payment_methods", "ledgers"):
        setattr(company, name, dict(wanted.get(name, {})))
    company.supplier_classes = dict(wanted.get("supplier_classes", {}))


def set_account(company: Company, item: Json) -> Account:
    """Add an account, or change the named fields of a known one."""
    known = company.accounts.get(item["number"])
    old: dict[str, Any] = {} if known is None else {name: getattr(known, name) for name in Account.__slots__}
    account = Account(**{"id": company.next_id(), "description": item["number"], **old, **item})
    account.modified_at, account.version = company.stamps.next(), company.versions.next()
    company.accounts[account.number] = account
    return account


def add_segment(company: Company, item: Json) -> Segment:
    """Add a segment with its values."""
    values = item.get("values", [])
    segment = Segment(
        int(item["id"]),
        item["description"],
        int(item.get("length", 3)),
        bool(item.get("validate", True)),
        modified_at=company.stamps.next(),
        version=company.versions.next(),
    )
    company.segments[segment.id] = segment
    for value in values:
        set_value(company, segment, value["value"], value.get("description", ""), value.get("active", True))
    return segment


def add_period(company: Company, item: Json) -> Period:
    """Add a period; ``start`` and ``end`` are days, both within it."""
    dates = {"start": date.fromisoformat(item["start"]), "end": date.fromisoformat(item["end"])}
    period = Period(**{**item, **dates})
    company.periods[period.key] = period
    return period


def _add_client(world: VismaWorld, company: Company, client: Json) -> None:
    """Approve a client application for the company; the same id may serve several companies."""
    app = world.client_apps.setdefault(
        client["client_id"],
        ClientApp(client["client_id"], client["client_secret"], tuple(client.get("scopes", ALL_SCOPES))),
    )
    app.secret = client["client_secret"]
    app.tenants.add(company.tenant_id)
    app.customer_tenants.update(client.get("customer_tenants", []))
