from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from deploy.demo.checks import check_all
from deploy.demo.clients import ACME
from deploy.demo.sides import pair_up
from deploy.demo.story import Story
from tests.unit.deploy import demo_books as made

pytestmark = pytest.mark.unit

BILL_HELD = {(ACME.id, made.BILL): "vendor_held"}


def failed(story: Story | None = None, **spoiled: Any) -> set[str]:
    """The checks that do not hold over books with one thing spoiled, by their text."""
    story = story or made.story()
    books = made.books(**spoiled)
    pairs = pair_up(books, story.partners[ACME.id])
    return {result.text for result in check_all([books], pairs, story) if result.problems}


def words(texts: set[str]) -> str:
    return " / ".join(sorted(texts))


def test_books_in_order_pass_every_check() -> None:
    assert failed() == set()


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"invoices": []}, "every approved bill stands"),
        (
            {"invoices": [made.invoice(), made.invoice(referenceNumber="000002")]},
            "every approved bill stands",
        ),
        ({"invoices": [made.invoice(), made.invoice(note="typed in")]}, "no approved bill asks for"),
        ({"bills": [made.bill(approvalStatus="UNASSIGNED")]}, "no approved bill asks for"),
        ({"bills": [made.bill(archived=True)]}, "no approved bill asks for"),
        ({"invoices": [made.invoice(amount=Decimal("10.49"))]}, "field by field"),
        ({"invoices": [made.invoice(supplier={"number": "1", "name": "Other AB"})]}, "field by field"),
        ({"suppliers": [made.supplier(), made.supplier(number="50010")]}, "no supplier was made twice"),
        ({"suppliers": []}, "no supplier was made twice"),
        ({"suppliers": [made.supplier(name="Akes Glas AB")]}, "no supplier was made twice"),
        ({"log": [made.created("supplierInvoice", made.invoice())] * 2}, "was created once"),
        ({"log": [made.created("supplier", made.supplier())] * 2}, "was created once"),
        ({"records": [made.record(state="held", reason="unmapped_account")]}, "held is exactly"),
        ({"records": [made.record(state="waiting")]}, "what is not approved waits"),
    ],
)
def test_each_thing_out_of_order_fails_its_check(spoiled: dict[str, Any], said: str) -> None:
    assert said in words(failed(**spoiled))


@pytest.mark.parametrize(
    ("record", "holds"),
    [
        (made.record(state="held", reason="vendor_held"), True),
        (made.record(state="held", reason="unmapped_account"), False),
        (made.record(), False),
    ],
)
def test_a_held_bill_is_expected_with_its_reason_and_without_a_document(
    record: dict[str, Any], holds: bool
) -> None:
    spoiled = {"records": [record], "invoices": [], "log": []}
    assert (failed(made.story(held=BILL_HELD), **spoiled) == set()) is holds


@pytest.mark.parametrize(("number", "holds"), [("50001", True), ("50002", False)])
def test_a_vendor_that_was_in_visma_keeps_its_supplier_and_that_its_name(number: str, holds: bool) -> None:
    story = Story(old_suppliers={ACME.id: [{"number": "50001", "name": "AKES GLAS"}]})
    story.partners[ACME.id][made.VENDOR] = "50001"
    supplier = made.supplier(number=number, name="AKES GLAS")
    invoice = made.invoice(supplier={"number": number, "name": "AKES GLAS"})
    assert (failed(story, suppliers=[supplier], invoices=[invoice], log=[]) == set()) is holds


def test_what_a_chapter_promised_is_proved_too() -> None:
    story = made.story()
    story.promise("the sun shone", lambda books: [] if books[0].invoices else ["it rained"])
    assert "the sun shone" not in failed(story)
    assert "the sun shone" in failed(story, invoices=[])
