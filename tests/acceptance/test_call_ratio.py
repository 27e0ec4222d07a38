"""How near the fleet's calls come to the fewest possible: one POST for a new record, one GET and one PUT for
a changed one, one list call for every hundred. Log-ins, tokens and reference lists are not counted.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from deploy.sandbox import seeds
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, open_books
from tests.acceptance.firm import difference

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

VENDORS, BILLS, CHANGED = 10, 150, 80
PAGE = 100
PATIENCE_S = 120.0
CAP_S = 5
"""How long Visma may go on with a request that nobody waits for: what never arrived is sent again then."""

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop", "when": "before"},
    {"kind": "drop", "when": "after"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "expire"},
)
"""Each spoils one of eighty calls to Visma, which are nearly all: together every twentieth. A 429, which
holds back other work too, is left to the tests of limits.
"""

CALLS = VENDORS + BILLS + 2 * CHANGED
CHANCE = 1 / 80
STRIKES = -(-CALLS // 80)


@pytest.fixture
def books(
    stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Books]:
    """A client for each test, polled when that says so, from exactly the watermark."""
    number = 50 if "spoiled" in request.node.name else 51
    opened = open_books(stage, conn, tmp_path_factory.mktemp("ratio"), number)
    opened.apply(limits=f"visma_request_cap_s = {CAP_S}", poll_overlap_s=0)
    opened.rest()
    yield opened
    opened.pause()
    opened.control.clear_faults()


def test_without_faults_next_to_no_call_is_made_in_vain(books: Books) -> None:
    assert measure(books) <= Decimal("1.05")


def test_with_every_twentieth_call_spoiled_few_are_made_twice(books: Books) -> None:
    for place, action in enumerate(FAULTS):
        books.control.add_fault(
            **action,
            system="visma",
            tenant=books.company,
            times=None,
            probability=CHANCE,
            seed=find_seed(1000 * place),
        )
    ratio = measure(books)
    spoiled = {str(rule["action"]): rule["applied"] for rule in books.control.faults()}
    print(spoiled)
    assert sum(spoiled.values()) >= CALLS // 20, "the faults did strike"
    assert ratio <= Decimal("1.10")


def find_seed(first: int) -> int:
    """A seed from ``first`` on with which a rule strikes as often as its chance says, without luck."""
    return next(seed for seed in itertools.count(first) if count_strikes(seed) == STRIKES)


def count_strikes(seed: int) -> int:
    """How many of all calls a rule with that seed spoils: its dice are the sandbox's."""
    dice = random.Random(seed)
    return sum(dice.random() < CHANCE for _ in range(CALLS))


def measure(books: Books) -> Decimal:
    """Calls as a multiple of the fewest possible, for new vendors and bills and then for changed bills."""
    before = books.calls()
    vendors = [seeds.vendor(seeds.SWEDEN, place) for place in range(VENDORS)]
    vendor_ids = books.control.create_many(books.organization, vendors=vendors)["vendors"]
    bills = [
        seeds.bill(seeds.SWEDEN, vendor_ids[place % VENDORS], f"R-{place}", f"{100 + place}.00")
        for place in range(BILLS)
    ]
    ids = books.control.create_many(books.organization, bills=bills)["bills"]
    books.poll_now("bill")
    books.expect({("bill", each): ("synced", None) for each in ids}, PATIENCE_S)

    for bill_id in ids[:CHANGED]:
        books.change_line(bill_id, amount=Decimal("77.00"))
    books.rest()
    books.poll_now("bill")
    books.until(lambda: count_changed(books) == CHANGED, lambda: str(count_changed(books)), PATIENCE_S)
    books.quiet(PATIENCE_S)

    spent = difference(before, books.calls())
    pages = -(-VENDORS // PAGE) + -(-BILLS // PAGE) + 1 + -(-CHANGED // PAGE)
    fewest = CALLS + pages
    ratio = Decimal(sum(spent.values())) / fewest
    print({"ratio": round(ratio, 3), "fewest": fewest, **spent})  # shown by -rP
    return ratio


def count_changed(books: Books) -> int:
    """How many documents show the new amount."""
    return sum(one["amount"] == 77 for one in books.invoices())
