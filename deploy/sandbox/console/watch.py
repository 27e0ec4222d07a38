"""Faults, time, counts, and waiting for something to have happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from deploy.sandbox.clock import iso_utc
from deploy.sandbox.console.desk import Desk, Missing
from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.models import Effect, Invoice
from deploy.sandbox.world import World

_LONGEST_WAIT_S = 300.0


def add_fault(desk: Desk) -> Json:
    """``POST /control/faults``: one rule."""
    return desk.world.faults.add(desk.body).as_json()


def list_faults(desk: Desk) -> list[Json]:
    """``GET /control/faults``: rules and how often they matched and applied."""
    return [rule.as_json() for rule in desk.world.faults.rules.values()]


def remove_faults(desk: Desk) -> Json:
    """``DELETE /control/faults`` and ``/control/faults/{id}``."""
    rules = desk.world.faults.rules
    wanted = desk.params.get("id")
    removed = [key for key in rules if wanted in (None, key)]
    for key in removed:
        del rules[key]
    return {"removed": removed}


def show_clock(desk: Desk) -> Json:
    """``GET /control/clock``."""
    clock = desk.world.clock
    return {"now": iso_utc(clock.now()), "offset_s": str(clock.offset_s)}


def move_clock(desk: Desk) -> Json:
    """``PATCH /control/clock``: ``advance_s`` lets time pass, ``offset_s`` sets it."""
    clock = desk.world.clock
    if "offset_s" in desk.body:
        clock.offset_s = float(desk.body["offset_s"])
    clock.advance(float(desk.body.get("advance_s", 0)))
    return show_clock(desk)


def show_calls(desk: Desk) -> Json:
    """``GET /control/calls``; with ``recent=1`` the last calls one by one."""
    report = desk.world.calls.report()
    if desk.query.get("recent"):
        report["recent"] = desk.world.calls.last()
    return report


def reset_calls(desk: Desk) -> Json:
    """``DELETE /control/calls``."""
    desk.world.calls.reset()
    return {"total": 0}


def show_webhooks(desk: Desk) -> list[Json]:
    """``GET /control/webhooks``: every delivery attempt, filtered by the query's keys."""
    return _agreeing(desk.world.hooks.attempts, desk.query)


def flush_webhooks(desk: Desk) -> Json:
    """``POST /control/webhooks/flush``: send what a reorder rule still holds."""
    return {"sent": desk.world.hooks.flush()}


def show_world(desk: Desk) -> Json:
    """``GET /control``: which organizations and companies there are."""
    world = desk.world
    return {
        "organizations": list(world.bill.organizations),
        "companies": list(world.visma.companies),
        "faults": len(world.faults.rules),
    }


async def wait(desk: Desk) -> Json:
    """``GET /control/wait?what=...&count=N&timeout=S``: answers once at least N are there, or in time.

    ``what``: calls, webhooks, log (with ``company``), suppliers, invoices (``company``), vendors,
    bills (``organization``), enabled or disabled (subscriptions of ``organization``). Other query
    keys must agree with the counted things; ``below=1`` waits until there are at most N.
    """
    query = dict(desk.query)
    count, timeout_s = int(query.pop("count", 1)), float(query.pop("timeout", 10))
    at_most = query.pop("below", "") == "1"
    counter = _counter(desk.world, query.pop("what"), query)
    loop = asyncio.get_running_loop()
    end = loop.time() + min(timeout_s, _LONGEST_WAIT_S)
    while True:
        found = counter()
        if (found <= count) if at_most else (found >= count):
            return {"reached": True, "count": found}
        if loop.time() >= end or not await desk.world.changed(end - loop.time()):
            return {"reached": False, "count": counter()}


def _counter(world: World, what: str, query: dict[str, str]) -> Callable[[], int]:
    if what == "calls":
        return lambda: world.calls.total(query)
    if what == "webhooks":
        return lambda: len(_agreeing(world.hooks.attempts, query))
    if what in ("log", "suppliers", "invoices"):
        company = world.visma.companies.get(query.pop("company", ""))
        if company is None:
            raise Missing("no such company")
        return {
            "log": lambda: sum(1 for item in company.log if _agrees(_log_keys(item), query)),
            "suppliers": lambda: len(company.suppliers),
            "invoices": lambda: sum(
                1 for row in company.invoices.rows() if _agrees(_invoice_keys(row), query)
            ),
        }[what]
    return _organization_counter(world, what, query)


def _organization_counter(world: World, what: str, query: dict[str, str]) -> Callable[[], int]:
    org = world.bill.organizations.get(query.pop("organization", ""))
    if org is None:
        raise Missing("no such organization")
    counters: dict[str, Callable[[], int]] = {
        "vendors": lambda: len(org.vendors.rows),
        "bills": lambda: len(org.bills.rows),
        "enabled": lambda: sum(item.enabled for item in org.subscriptions.values()),
        "disabled": lambda: sum(not item.enabled for item in org.subscriptions.values()),
    }
    if what not in counters:
        raise Missing(f"nothing to wait for: {what}")
    return counters[what]


def _log_keys(effect: Effect) -> Mapping[str, object]:
    names = ("kind", "entity", "type", "number", "by")
    return {name: getattr(effect, name) for name in names}


def _invoice_keys(row: Invoice) -> Mapping[str, object]:
    return {
        "status": row.status,
        "type": row.type,
        "supplier": row.supplier.number,
        "reference": row.fields.get("supplierReference"),
    }


def _agreeing(items: Iterable[Json], query: Mapping[str, str]) -> list[Json]:
    return [item for item in items if _agrees(item, query)]


def _agrees(item: Mapping[str, object], query: Mapping[str, str]) -> bool:
    return all(str(item.get(name)) == wanted for name, wanted in query.items())
