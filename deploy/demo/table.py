"""The table at the end of the day: BILL on the left, Visma on the right, differences marked."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from deploy.demo.books import Books
from deploy.demo.sides import Document, Pair
from deploy.sandbox.jsonio import Json

_BILL_STATUS = {"APPROVED": "approved", "UNASSIGNED": "not approved", "ASSIGNED": "not approved"}
_MARKED = "bold red"
_TITLE = "BILL (left) and Visma.net (right) at the end of the day"
_WIDE = 130
_VISMA_FROM = 6
_COLUMNS = (
    *("tenant", "vendor", "number", "amount", "", "status"),
    *("supplier", "document", "amount", "", "status", ""),
)
_NUMBERS = frozenset({3, 8})
_FOLDED = frozenset({1, 6})


def compare_table(books: Sequence[Books], pairs: Sequence[Pair], width: int) -> Table:
    """One row a bill; where ``width`` is small, what belongs together stands in one cell."""
    wide = width >= _WIDE
    table = _wide_table() if wide else _narrow_table()
    by_tenant = {one.client.id: one for one in books}
    last = ""
    for pair in pairs:
        if pair.tenant != last:
            table.add_section()
            if not wide:
                table.add_row(Text(pair.tenant, style="bold"))
        last = pair.tenant
        cells = [*_bill_cells(pair, by_tenant[pair.tenant]), *_visma_cells(pair)]
        table.add_row(*(cells if wide else _stack(cells)))
    return table


def _wide_table() -> Table:
    table = Table(title=_TITLE, title_justify="left")
    for place, name in enumerate(_COLUMNS):
        table.add_column(
            name,
            justify="right" if place in _NUMBERS else "left",
            no_wrap=place not in _FOLDED,
            overflow="fold",
            style="" if place < _VISMA_FROM else "cyan",
        )
    return table


def _narrow_table() -> Table:
    table = Table(title=_TITLE, title_justify="left", padding=(0, 0, 0, 1))
    for name, style in (("BILL", ""), ("Visma.net", "cyan")):
        table.add_column(name, overflow="fold", style=style)
        table.add_column("amount", justify="right", no_wrap=True, style=style)
    table.add_column("")
    return table


def _stack(cells: list[Text]) -> list[Text]:
    """The twelve cells of a wide row in five; the tenant stands above its rows."""
    _, vendor, number, amount, currency, status, supplier, document, booked, booked_in, state, mark = cells
    return [
        Text("\n").join([vendor, Text(", ").join([number, status])]),
        Text(" ").join([amount, currency]),
        Text("\n").join([supplier, Text(", ").join([document, state]) if state.plain else document]),
        Text(" ").join([booked, booked_in]),
        mark,
    ]


def _bill_cells(pair: Pair, books: Books) -> list[Text]:
    vendor = books.vendors_by_id[pair.bill["vendorId"]]
    wanted = pair.wanted
    return [
        Text(pair.tenant),
        Text(vendor["name"]),
        _cell(pair, "number", wanted.number),
        _cell(pair, "amount", show_amount(wanted.amount)),
        _cell(pair, "currency", wanted.currency),
        Text(_bill_status(pair.bill)),
    ]


def _visma_cells(pair: Pair) -> list[Text]:
    if len(pair.invoices) != 1 or pair.found is None:
        return _absent_cells(pair)
    invoice, found = pair.invoices[0], pair.found
    supplier = invoice["supplier"]
    good = pair.is_wanted and not pair.list_differences()
    return [
        _cell(pair, "partner", f"{supplier['number']} {supplier['name']}"),
        _cell(pair, "type", f"{found.type} {invoice['referenceNumber']}"),
        _cell(pair, "amount", show_amount(found.amount)),
        _cell(pair, "currency", found.currency),
        Text(str(invoice["status"]).lower()),
        Text("=", style="green") if good else Text("≠", style=_MARKED),
    ]


def _absent_cells(pair: Pair) -> list[Text]:
    if len(pair.invoices) > 1:
        numbers = ", ".join(invoice["referenceNumber"] for invoice in pair.invoices)
        return [Text(""), Text(numbers, style=_MARKED), *_blank(3), Text("≠", style=_MARKED)]
    reason = pair.record["reason"] if pair.record else None
    said = f"held: {reason}" if pair.state == "held" else pair.state
    explained = pair.state == "held" or not pair.is_wanted
    mark = Text("·", style="dim") if explained else Text("≠", style=_MARKED)
    return [Text("–", style="dim"), Text(said, style="yellow" if explained else _MARKED), *_blank(3), mark]


def _blank(count: int) -> list[Text]:
    return [Text("") for _ in range(count)]


def _cell(pair: Pair, field: str, text: str) -> Text:
    differs = pair.found is not None and getattr(pair.wanted, field) != getattr(pair.found, field)
    return Text(text, style=_MARKED if differs else "")


def _bill_status(bill: Json) -> str:
    if bill["archived"]:
        return "deleted"
    return _BILL_STATUS.get(bill["approvalStatus"], str(bill["approvalStatus"]).lower())


def show_amount(amount: Decimal) -> str:
    """An amount with two decimals and spaces between the thousands."""
    return f"{amount:,.2f}".replace(",", " ")


def count_fields(document: Document) -> int:
    """How many values of a document are compared: its own and those of its lines."""
    return 7 + 4 * len(document.lines)
