"""The control total of a document, for companies that validate totals on entry.

Such a company takes no document off hold without its total in ``amount`` (Visma reference: supplier
invoice, fields). Nothing tells which companies do; so it is sent where Visma refused a write without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from shared.errors import Refused
from shared.fields import Fields
from shared.visma.models import LineChange, SupplierInvoice

T = TypeVar("T")

OUT_OF_BALANCE = "out_of_balance"
NOTHING: Fields = {}


def send_balanced(send: Callable[[Fields], T], total: Decimal) -> T:
    """``send`` without more fields, and once more with the total where Visma wants that."""
    try:
        return send(NOTHING)
    except Refused as error:
        if error.label != OUT_OF_BALANCE:
            raise
    return send({"amount": total})


def total_after(actual: SupplierInvoice, changes: Sequence[LineChange]) -> Decimal:
    """The document's total once these changes of lines are written."""
    lines = {line.number: line for line in actual.lines}
    total = actual.amount
    for change in changes:
        shown = lines.get(change.line_number) if change.line_number is not None else None
        if shown is not None and change.operation != "Insert":
            total -= shown.amount
        if change.operation != "Delete":
            total += _amount_of({**(shown.fields if shown else NOTHING), **change.fields})
    return total


def _amount_of(line: Fields) -> Decimal:
    quantity, cost = line.get("quantity"), line.get("unitCostInCurrency")
    if not isinstance(quantity, Decimal) or not isinstance(cost, Decimal):
        raise ValueError("a line has no quantity or no unit cost")
    return quantity * cost
