from __future__ import annotations

from decimal import Decimal

import pytest

from shared.errors import Refused
from shared.fields import Fields
from shared.visma.models import LineChange, SupplierInvoice, SupplierInvoiceLine
from workers.sync.balance import send_balanced, total_after

pytestmark = pytest.mark.unit


def line(number: int, quantity: str, cost: str) -> SupplierInvoiceLine:
    fields: Fields = {"quantity": Decimal(quantity), "unitCostInCurrency": Decimal(cost)}
    return SupplierInvoiceLine(number, Decimal(quantity) * Decimal(cost), fields)


DOCUMENT = SupplierInvoice(
    document_type="Invoice",
    number="1",
    supplier_number="50001",
    supplier_reference="F-1",
    status="Balanced",
    hold=False,
    date=None,
    currency_id="SEK",
    amount=Decimal("140.00"),
    balance=None,
    note=None,
    etag="e",
    last_modified=None,
    fields={},
    lines=(line(1, "2", "50.00"), line(2, "1", "40.00")),
)


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        ((), "140.00"),
        ((LineChange("Update", 1, {"unitCostInCurrency": Decimal("60.00")}),), "160.00"),
        ((LineChange("Update", 1, {"accountNumber": "5010"}),), "140.00"),
        ((LineChange("Delete", 2, {}),), "100.00"),
        ((LineChange("Insert", None, line(3, "1", "-7.50").fields),), "132.50"),
    ],
)
def test_the_total_follows_the_lines(changes: tuple[LineChange, ...], total: str) -> None:
    assert total_after(DOCUMENT, changes) == Decimal(total)


def test_the_total_is_told_where_visma_asks_for_it_alone() -> None:
    sent: list[Fields] = []

    def send(more: Fields) -> str:
        sent.append(more)
        if len(sent) == 1:
            raise Refused("The document is out of balance.", label="out_of_balance")
        return "taken"

    assert send_balanced(send, Decimal("140.00")) == "taken"
    assert sent == [{}, {"amount": Decimal("140.00")}]


def test_any_other_refusal_stands() -> None:
    def send(more: Fields) -> str:
        raise Refused("No.", label="not_allowed")

    with pytest.raises(Refused, match="No"):
        send_balanced(send, Decimal(1))
