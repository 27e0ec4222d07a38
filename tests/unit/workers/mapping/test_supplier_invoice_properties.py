"""What holds for every bill, whatever its amounts and letters."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.bill.models import Bill, BillLine
from tests.unit.workers.samples import BILL, bill, body, draft, mapping
from workers.mapping.keys import find_marker

pytestmark = pytest.mark.unit

AMOUNTS = st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False)
LINES = st.builds(
    BillLine,
    id=st.none(),
    amount=AMOUNTS,
    quantity=st.none() | st.decimals(-1000, 1000, places=3, allow_nan=False, allow_infinity=False),
    price=st.none() | AMOUNTS,
    description=st.none() | st.text(max_size=300),
)
PRICED = st.builds(
    lambda quantity, price: BillLine(None, quantity * price, quantity, price),
    st.integers(-1000, 1000).map(Decimal),
    AMOUNTS,
)


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    """Bills whose lines add up to their amount, which is not zero."""
    lines = tuple(draw(st.lists(LINES | PRICED, min_size=1, max_size=8)))
    amount = sum((line.amount for line in lines), Decimal(0))
    assume(not amount.is_zero())
    return bill(amount=amount, lines=lines)


@given(bills())
def test_sums_and_signs_are_kept(of: Bill) -> None:
    drafted = draft(of)
    sign = -1 if of.amount < 0 else 1
    products = [
        Decimal(str(line["quantity"])) * Decimal(str(line["unitCostInCurrency"])) for line in drafted.lines
    ]
    assert [product * sign for product in products] == [line.amount for line in of.lines]
    assert sum(products) == drafted.total == abs(of.amount)
    assert all(Decimal(str(line["quantity"])) > 0 for line in drafted.lines)
    assert drafted.document_type == ("DebitAdj" if of.amount < 0 else "Invoice")
    assert not any(
        str(line["unitCostInCurrency"]).startswith("-0.00") and product == 0
        for line, product in zip(drafted.lines, products, strict=True)
    )


@given(bills())
def test_a_draft_is_what_was_written_from_it(of: Bill) -> None:
    assert draft(of).is_written(body(draft(of)))


@given(st.text(min_size=1).filter(str.strip), st.text(), st.text())
def test_every_text_arrives_byte_for_byte_or_cut_with_the_whole_in_the_note(
    reference: str, description: str, line_text: str
) -> None:
    of = bill(
        invoice_number=reference,
        description=description,
        lines=(BillLine(None, BILL.amount, description=line_text),),
    )
    drafted = draft(of)
    note = str(drafted.header["note"])
    shown_line = str(drafted.lines[0]["transactionDescription"])
    text = description if description.strip() else reference
    assert_cut(reference, str(drafted.header["supplierReference"]), 40, note)
    assert_cut(text, str(drafted.header["description"]), 40, note)
    assert_cut(line_text if line_text.strip() else text, shown_line.removesuffix("…"), 256, note)
    assert find_marker(note) == "BILL:00n-bill"


def assert_cut(whole: str, shown: str, limit: int, note: str) -> None:
    """The whole is shown, or its beginning with the whole in the note."""
    assert len(shown) <= limit
    assert whole.startswith(shown)
    assert shown == whole or whole in note or whole == shown + "…"


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_configured_words_arrive_byte_for_byte(account: str, branch: str) -> None:
    drafted = draft(config=mapping(account=account, accounts={}, branch=branch), checked=False)
    assert {line["accountNumber"] for line in drafted.lines} == {account}
    assert drafted.header["branchNumber"] == branch
