"""Reference lists over HTTP (Visma reference: dimensions and reference data)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma import reference_view as view
from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.visma.invoice_view import subaccount_json
from deploy.sandbox.visma.keys import plain_key
from deploy.sandbox.visma.lists import condition_on, local_time, parse_page
from deploy.sandbox.visma.versions import etag
from deploy.sandbox.visma.world import Visit
from deploy.sandbox.wire import Reply, json_reply

Rows = Callable[[Visit], list[Json]]


def _accounts(visit: Visit) -> list[Json]:
    active = visit.call.query.get("active")
    rows = [view.account_json(visit.company, account) for account in visit.company.accounts.values()]
    return [row for row in rows if active is None or row["active"] == (active.lower() == "true")]


def _subaccounts(visit: Visit) -> list[Json]:
    active = visit.call.query.get("active")
    rows = [subaccount_json(visit.company, item) for item in visit.company.subaccounts.values()]
    return [row for row in rows if active is None or row["active"] == (active.lower() == "true")]


_ROWS: dict[str, tuple[str, Rows]] = {
    "account": ("accountCD", _accounts),
    "subaccount": ("subaccountNumber", _subaccounts),
    "vatCategory": (
        "vatCategoryId",
        lambda visit: [
            view.category_json(visit.company, item) for item in visit.company.vat_categories.values()
        ],
    ),
    "vat": (
        "vatId",
        lambda visit: [view.vat_json(visit.company, item) for item in visit.company.vats.values()],
    ),
    "vatZone": ("id", lambda visit: [view.zone_json(visit.company, key) for key in visit.company.vat_zones]),
    "currency": (
        "id",
        lambda visit: [view.currency_json(visit.company, item) for item in visit.company.currencies.values()],
    ),
    "financialPeriod": (
        "key",
        lambda visit: [view.period_json(item) for item in visit.company.periods.values()],
    ),
    "branch": (
        "number",
        lambda visit: [view.branch_json(visit.company, key) for key in visit.company.branches],
    ),
    "department": (
        "departmentId",
        lambda visit: [view.department_json(visit.company, key) for key in visit.company.departments],
    ),
    "paymentmethod": (
        "paymentMethodID",
        lambda visit: [view.method_json(visit.company, key) for key in visit.company.payment_methods],
    ),
    "ledger": (
        "number",
        lambda visit: [view.ledger_json(visit.company, key) for key in visit.company.ledgers],
    ),
    "supplierClass": (
        "id",
        lambda visit: [view.class_json(visit.company, key) for key in visit.company.supplier_classes],
    ),
}
_PAGED = frozenset({"subaccount"})
_KEYED = frozenset({"account", "subaccount", "vatCategory", "vat", "vatZone", "currency", "branch"}) | {
    "department",
    "paymentmethod",
    "supplierClass",
}


def lister(kind: str) -> Callable[[Visit], Reply]:
    """A handler of ``GET /v1/<kind>``: a bare array, each element with the metadata."""

    def handle(visit: Visit) -> Reply:
        rows = _changed(visit, _ROWS[kind][1](visit))
        largest = visit.company.settings.max_page_size
        metadata = {"totalCount": len(rows), "maxPageSize": largest}
        shown = parse_page(visit.call.query, largest).cut(rows) if kind in _PAGED else rows
        return json_reply([{**row, "metadata": metadata} for row in shown])

    return handle


def fetcher(kind: str) -> Callable[[Visit], Reply]:
    """A handler of ``GET /v1/<kind>/{key}``, with ``ETag`` where the row has a version."""
    key_name, rows_of = _ROWS[kind]

    def handle(visit: Visit) -> Reply:
        wanted = plain_key(visit.call.params["key"])
        for row in rows_of(visit):
            if row.get(key_name) == wanted:
                version = row.get("timeStamp")
                return json_reply(row, headers={"ETag": etag(version)} if version else None)
        raise Denied(Reply(404))

    return handle


def list_credit_terms(visit: Visit) -> Reply:
    """``GET /v1/creditTerm``: an envelope instead of an array."""
    rows = [view.term_json(key, term) for key, term in visit.company.credit_terms.items()]
    page = parse_page(visit.call.query, visit.company.settings.max_page_size)
    body = {
        "pageNumber": page.number,
        "pageSize": page.size,
        "totalCount": len(rows),
        "records": page.cut(rows),
    }
    return json_reply(body)


KINDS = tuple(_ROWS)
KEYED_KINDS = tuple(kind for kind in _ROWS if kind in _KEYED)


def _changed(visit: Visit, rows: list[Json]) -> list[Json]:
    """Rows that pass ``lastModifiedDateTime``; of rows without a time, all."""
    passes = condition_on(visit.call.query, "lastModifiedDateTime", local_time)
    if passes is None:
        return rows
    return [
        row
        for row in rows
        if not row.get("lastModifiedDateTime") or passes(datetime.fromisoformat(row["lastModifiedDateTime"]))
    ]
