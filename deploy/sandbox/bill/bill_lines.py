"""Lines of a bill: amounts, classifications, and what PATCH and PUT do to them."""

from __future__ import annotations

from decimal import Decimal

from deploy.sandbox.bill.errors import missing, not_found
from deploy.sandbox.bill.fields import set_or_drop, take_amount, take_object, take_text, wrong
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.jsonio import Json, plain

LINE_CLASSIFICATIONS = {
    "chartOfAccountId": "chart-of-accounts",
    "accountingClassId": "accounting-classes",
    "departmentId": "departments",
    "employeeId": "employees",
    "jobId": "jobs",
    "locationId": "locations",
    "itemId": "items",
}
"""Keys of a line's ``classifications``, and the resource each points into."""

HEADER_CLASSIFICATIONS = {
    name: LINE_CLASSIFICATIONS[name]
    for name in ("chartOfAccountId", "accountingClassId", "departmentId", "locationId", "itemId")
}


def new_lines(world: BillWorld, wanted: object) -> list[Json]:
    """Lines of a create; raises Refusal unless there is at least one good line."""
    return [_line(world, item, None) for item in _list_of(wanted)]


def replaced_lines(world: BillWorld, wanted: object, current: list[Json]) -> list[Json]:
    """Lines after PUT: without an id new, with an id kept and rewritten, left out removed."""
    return [_line(world, item, _find(item, current), keep=False) for item in _list_of(wanted)]


def patched_lines(world: BillWorld, wanted: object, current: list[Json]) -> list[Json]:
    """Lines after PATCH: those with an id change the given fields, others are added."""
    lines = {line["id"]: line for line in current}
    for item in _list_of(wanted):
        line = _line(world, item, _find(item, current), keep=True)
        lines[line["id"]] = line
    return list(lines.values())


def total_of(lines: list[Json]) -> Decimal:
    """The bill's amount: the sum of its lines."""
    return plain(sum((line["amount"] for line in lines), Decimal(0)))


def take_classifications(body: Json, known: dict[str, str]) -> Json | None:
    """The ``classifications`` object; raises Refusal for other types than text."""
    found = take_object(body, "classifications")
    if found is None:
        return None
    ids = {name: take_text(found, name) for name in (*known, "customerId")}
    return {name: value for name, value in ids.items() if value} or None


def _list_of(wanted: object) -> list[Json]:
    if not isinstance(wanted, list) or not wanted:
        raise missing("billLineItems")
    if not all(isinstance(item, dict) for item in wanted):
        raise wrong("billLineItems")
    return wanted


def _find(item: Json, current: list[Json]) -> Json | None:
    if not item.get("id"):
        return None
    for line in current:
        if line["id"] == item["id"]:
            return line
    raise not_found()


def _line(world: BillWorld, item: Json, old: Json | None, *, keep: bool = False) -> Json:
    line: Json = dict(old) if old is not None and keep else {}
    line["id"] = old["id"] if old is not None else world.ids.bill("bli")
    for name in ("quantity", "price"):
        if name in item or name not in line:
            set_or_drop(line, name, take_amount(item, name))
    line["amount"] = _amount(item, line)
    if "description" in item:
        set_or_drop(line, "description", take_text(item, "description"))
    if "classifications" in item:
        set_or_drop(line, "classifications", take_classifications(item, LINE_CLASSIFICATIONS))
    return line


def _amount(item: Json, line: Json) -> Decimal:
    given = take_amount(item, "amount")
    if given is not None:
        return given  # amount wins over quantity and price
    if ("quantity" in item or "price" in item) and "quantity" in line and "price" in line:
        return plain(line["quantity"] * line["price"])
    old: Decimal | None = line.get("amount")
    if old is None:
        raise missing("billLineItems[].amount")
    return old
