"""Seeding Visma, and doing in it what people do in its screens."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from deploy.sandbox.clock import iso_utc
from deploy.sandbox.console.desk import Desk, Missing
from deploy.sandbox.jsonio import Json
from deploy.sandbox.options import change, show
from deploy.sandbox.visma import actions, people
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.dimension_routes import segment_json, set_value
from deploy.sandbox.visma.founding import add_period, found_company, set_account
from deploy.sandbox.visma.invoice_view import invoice_json
from deploy.sandbox.visma.invoices import delete_invoice
from deploy.sandbox.visma.models import Effect, Invoice, Supplier, Vat, VatCategory
from deploy.sandbox.visma.reference_view import account_json, period_json
from deploy.sandbox.visma.suppliers import supplier_json


def seed_company(desk: Desk) -> Json:
    """``POST /control/companies``: a whole company."""
    company = found_company(desk.world.visma, desk.body)
    return {
        "company_id": company.company_id,
        "tenant_id": company.tenant_id,
        "suppliers": [row.number for row in company.suppliers.rows()],
        "invoices": [f"{row.type}/{row.number}" for row in company.invoices.rows()],
    }


def change_settings(desk: Desk) -> Json:
    """``PATCH .../settings``."""
    change(desk.company.settings, desk.body)
    return show(desk.company.settings)


def change_preferences(desk: Desk) -> Json:
    """``PATCH .../preferences``."""
    change(desk.company.preferences, desk.body)
    return show(desk.company.preferences)


def expire_tokens(desk: Desk) -> Json:
    """``POST .../expire-tokens``."""
    return {"ended": desk.world.visma.expire_tokens(desk.company.company_id)}


def change_client(desk: Desk) -> Json:
    """``PATCH .../clients/{client}``: ``secret``, ``scopes``, ``approved`` for this company."""
    app = desk.world.visma.client_apps.get(desk.params["client"])
    if app is None:
        raise Missing(f"no client {desk.params['client']}")
    app.secret = desk.body.get("secret", app.secret)
    app.scopes = tuple(desk.body.get("scopes", app.scopes))
    if desk.body.get("approved") is False:
        app.tenants.discard(desk.company.tenant_id)
    elif desk.body.get("approved"):
        app.tenants.add(desk.company.tenant_id)
    return {"client_id": app.id, "scopes": list(app.scopes), "tenants": sorted(app.tenants)}


def enter_supplier(desk: Desk) -> Json:
    """``POST .../suppliers``: the write names, without wrappers, and ``lastModifiedDateTime``."""
    body = dict(desk.body)
    dated = body.pop("lastModifiedDateTime", None)
    row = people.enter_supplier(desk.company, body)
    if dated is not None:
        row.modified_at = datetime.fromisoformat(dated)
    return _supplier(desk.company, row)


def edit_supplier(desk: Desk) -> Json:
    """``PATCH .../suppliers/{number}``."""
    return _supplier(desk.company, people.edit_supplier(desk.company, desk.params["number"], desk.body))


def enter_invoice(desk: Desk) -> Json:
    """``POST .../invoices``: the write names, without wrappers."""
    return _invoice(desk.company, people.enter_invoice(desk.company, desk.body))


def add_many(desk: Desk) -> Json:
    """``POST .../many``: ``suppliers`` and ``invoices`` in one request; gives their numbers."""
    suppliers = [people.enter_supplier(desk.company, item).number for item in desk.body.get("suppliers", [])]
    invoices = [people.enter_invoice(desk.company, item).number for item in desk.body.get("invoices", [])]
    return {"suppliers": suppliers, "invoices": invoices}


def edit_invoice(desk: Desk) -> Json:
    """``PATCH .../invoices/{type}/{number}``."""
    params = desk.params
    return _invoice(
        desk.company, people.edit_invoice(desk.company, params["type"], params["number"], desk.body)
    )


def act_on_invoice(desk: Desk) -> Json:
    """``POST .../invoices/{type}/{number}/{action}``: release, reverse, void, pay, delete."""
    company, action = desk.company, desk.params["action"]
    invoice = people.find_invoice(company, desk.params["type"], desk.params["number"])
    if action == "release":
        actions.release(company, invoice, people.PERSON)
    elif action == "reverse":
        invoice = actions.reverse(company, invoice, people.PERSON)
    elif action == "void":
        actions.void(company, invoice, people.PERSON)
    elif action == "pay":
        actions.pay(company, invoice, people.as_amount(desk.body.get("amount")), people.PERSON)
    elif action == "delete":
        delete_invoice(company, invoice, people.PERSON)
    else:
        raise Missing(f"no action {action}")
    return _invoice(company, invoice)


def put_account(desk: Desk) -> Json:
    """``PUT .../accounts/{number}``: adds one, or changes the named fields."""
    account = set_account(desk.company, {**desk.body, "number": desk.params["number"]})
    return account_json(desk.company, account)


def put_segment_value(desk: Desk) -> Json:
    """``PUT .../segments/{segment}/values/{value}``: ``description``, ``active``."""
    segment = desk.company.segments.get(int(desk.params["segment"]))
    if segment is None:
        raise Missing(f"no segment {desk.params['segment']}")
    value, body = desk.params["value"], desk.body
    known = segment.values.get(value)
    description = body.get("description", known.description if known else value)
    active = bool(body.get("active", known.active if known else True))
    set_value(desk.company, segment, value, description, active)
    return segment_json(desk.company, segment, True)


def put_period(desk: Desk) -> Json:
    """``PUT .../periods/{key}`` (YYYYPP): changes flags, or adds a period with ``start`` and ``end``."""
    key = desk.params["key"]
    period = desk.company.periods.get(key)
    if period is None:
        return period_json(add_period(desk.company, {"year": int(key[:4]), "period": key[4:], **desk.body}))
    for name in ("active", "closed_in_supplier_ledger", "closed_in_general_ledger"):
        if name in desk.body:
            setattr(period, name, bool(desk.body[name]))
    return period_json(period)


def put_rate(desk: Desk) -> Json:
    """``PUT .../rates/{currency}``: ``rate``; null takes it away."""
    currency, rate = desk.params["currency"], desk.body.get("rate")
    if rate is None:
        desk.company.rates.pop(currency, None)
    else:
        desk.company.rates[currency] = Decimal(str(rate))
    return dict(desk.company.rates)


def put_vat_category(desk: Desk) -> Json:
    """``PUT .../vat-categories/{id}``: ``description``, ``active``, and ``vat`` to add a VAT id to it."""
    company, key = desk.company, desk.params["id"]
    known = company.vat_categories.get(key)
    category = VatCategory(
        key,
        desk.body.get("description", known.description if known else key),
        bool(desk.body.get("active", known.active if known else True)),
    )
    company.vat_categories[key] = category
    if "vat" in desk.body:
        item = {**desk.body["vat"], "rate": Decimal(str(desk.body["vat"]["rate"]))}
        company.vats[item["id"]] = Vat(**{"categories": [key], **item})
    return {"id": category.id, "active": category.active}


def show_log(desk: Desk) -> list[Json]:
    """``GET /control/visma/{company}/log``: every effect, oldest first."""
    after = int(desk.query.get("after", 0))
    return [_effect(desk.company, effect) for effect in desk.company.log[after:]]


def show_state(desk: Desk) -> Any:
    """``GET /control/state/companies/{company}/{what}``."""
    company, what = desk.company, desk.params["what"]
    if what == "suppliers":
        return [_supplier(company, row) for row in company.suppliers.rows()]
    if what == "invoices":
        return [_invoice(company, row) for row in company.invoices.rows()]
    if what == "accounts":
        return [account_json(company, account) for account in company.accounts.values()]
    if what == "periods":
        return [period_json(period) for period in company.periods.values()]
    if what == "segments":
        return [segment_json(company, segment, True) for segment in company.segments.values()]
    if what == "attachments":
        return _attachments(company)
    raise Missing(f"no state {what}")


def _effect(company: Company, effect: Effect) -> Json:
    row = effect.row
    return {
        "seq": effect.seq,
        "at": iso_utc(effect.at),
        "kind": effect.kind,
        "entity": effect.entity,
        "type": effect.type,
        "number": effect.number,
        "by": effect.by,
        "body": _invoice(company, row) if isinstance(row, Invoice) else _supplier(company, row),
    }


def _attachments(company: Company) -> list[Json]:
    return [
        {
            "id": item.id,
            "invoice": f"{row.type}/{row.number}",
            "line": item.line,
            "name": item.name,
            "revision": item.revision,
            "sha256": item.sha256,
            "bytes": len(item.content),
        }
        for row in company.invoices.rows()
        for item in row.attachments
    ]


def _supplier(company: Company, row: Supplier) -> Json:
    return {**supplier_json(company, row), "note": row.fields.get("note")}


def _invoice(company: Company, row: Invoice) -> Json:
    files = [{"name": item.name, "id": item.id, "revision": item.revision} for item in row.attachments]
    return {**invoice_json(company, row), "note": row.fields.get("note"), "attachments": files}
