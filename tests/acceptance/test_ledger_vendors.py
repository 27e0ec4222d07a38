"""Which supplier a vendor is: matched, created, or held for a person with its bills behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, Key, open_books

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def books(stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Polled every second; suppliers are created where none is the vendor."""
    opened = open_books(stage, conn, tmp_path_factory.mktemp("vendors"), 10, subscribed=True)
    opened.apply(poll_interval_s=1, archived_vendors="on_hold")
    yield opened
    opened.pause()


@dataclass(frozen=True)
class Case:
    """Suppliers that stand in Visma, a vendor, and what becomes of it.

    ``links`` is the place of the supplier that it is linked to, None where it is held for ``reason`` or
    gets a supplier of its own.
    """

    name: str
    vendor: Json
    suppliers: tuple[Json, ...] = ()
    links: int | None = None
    reason: str | None = None


def vendor(name: str, tax_id: str | None = None, **fields: Any) -> Json:
    """A vendor's name and number."""
    return {"name": name, "additionalInfo": {"taxId": tax_id} if tax_id else {}, **fields}


CASES = [
    Case(
        "corporate numbers are compared without spaces and hyphens",
        vendor("Granit Nord", "556677 8899"),
        ({"name": "Granit Sverige Norr AB", "corporateId": "556677-8899"},),
        links=0,
    ),
    Case(
        "a Swedish VAT number is its corporate number",
        vendor("Tall Trä", "SE556111222201"),
        ({"name": "Tallträ i Bollnäs AB", "corporateId": "556111-2222"},),
        links=0,
    ),
    Case(
        "names are folded: case, spaces, company form",
        vendor("ÅKERI   söder"),
        ({"name": "Åkeri Söder AB"},),
        links=0,
    ),
    Case(
        "a number that contradicts stops the name",
        vendor("Bruket AB", "5560001111"),
        ({"name": "Bruket AB", "corporateId": "556000-2222"},),
        reason="ambiguous_supplier",
    ),
    Case(
        "two of one name",
        vendor("Delfin AB"),
        ({"name": "Delfin AB"}, {"name": "DELFIN"}),
        reason="ambiguous_supplier",
    ),
    Case(
        "two with one number",
        vendor("Ek & Son", "5563334444"),
        ({"name": "Ek och Son", "corporateId": "5563334444"}, {"name": "Eks", "corporateId": "556333-4444"}),
        reason="ambiguous_supplier",
    ),
    Case("none", vendor("Furan AB", "5569990001")),
    Case("an empty name matches nothing", vendor("AB"), ({"name": "A/S"},)),
]


@dataclass
class Story:
    """What a case became: the numbers of its suppliers, its vendor and bill."""

    numbers: list[str] = field(default_factory=list)
    vendor_id: str = ""
    bill_id: str = ""


@pytest.fixture(scope="module")
def stories(books: Books) -> dict[str, Story]:
    """Suppliers first, as people entered them; then every vendor with a bill."""
    found = {case.name: Story() for case in CASES}
    for case in CASES:
        for supplier in case.suppliers:
            entered = books.control.create_supplier(books.company, {"supplierClassId": "1", **supplier})
            found[case.name].numbers.append(str(entered["number"]))
    books.walk("visma")
    for place, case in enumerate(CASES):
        story = found[case.name]
        story.vendor_id = books.create_vendor(place, **case.vendor)
        story.bill_id = books.create_bill(story.vendor_id, f"V-{place}")
    return found


def test_every_vendor_finds_its_supplier_or_is_held_with_its_bill(
    books: Books, stories: dict[str, Story]
) -> None:
    wanted: dict[Key, tuple[str, str | None]] = {}
    for case in CASES:
        story = stories[case.name]
        state = ("held", case.reason) if case.reason else ("synced", None)
        wanted["vendor", story.vendor_id] = state
        wanted["bill", story.bill_id] = ("held", "vendor_held") if case.reason else ("synced", None)
    books.expect(wanted)
    for case in CASES:
        story = stories[case.name]
        row = books.record("vendor", story.vendor_id)
        assert row is not None
        if case.reason:
            assert row["visma_number"] is None, case.name
            for number in story.numbers:
                assert number in str(row["detail"]), (case.name, "the candidates are listed")
        elif case.links is not None:
            assert row["visma_number"] == story.numbers[case.links], case.name
        else:
            assert row["visma_number"] not in story.numbers, case.name
            assert books.supplier_of(story.vendor_id)["accountReference"] == story.vendor_id, case.name
    made = sum(case.links is None and case.reason is None for case in CASES)
    assert len(books.suppliers()) == sum(len(case.suppliers) for case in CASES) + made


def test_a_person_frees_a_held_vendor_and_its_bills_follow(books: Books, stories: dict[str, Story]) -> None:
    story = stories["a number that contradicts stops the name"]
    books.expect({("bill", story.bill_id): ("held", "vendor_held")})
    more = [books.create_bill(story.vendor_id, f"V-3{letter}") for letter in "bc"]
    books.expect_all("bill", more, "held", "vendor_held")
    books.control.change_supplier(books.company, story.numbers[0], corporateId="556000-1111")
    books.settle("vendor", story.vendor_id)
    books.expect_all("bill", [story.bill_id, *more], "synced")
    effects = books.control.visma_log(books.company)
    ours = [one["entity"] for one in effects if one["number"] == story.numbers[0]]
    assert ours and ours[0] == "supplier"
    assert {books.invoice_of(each)["supplier"]["number"] for each in more} == {story.numbers[0]}


def test_a_supplier_belongs_to_one_vendor(books: Books, stories: dict[str, Story]) -> None:
    linked = stories["corporate numbers are compared without spaces and hyphens"]
    books.settle("vendor", linked.vendor_id)
    by_number = books.create_vendor(20, **vendor("Granit Norr Två", "5566778899"))
    by_name = books.create_vendor(21, **vendor("Åkeri Söder"))
    books.expect({("vendor", by_number): ("held", "supplier_taken"), ("vendor", by_name): ("synced", None)})
    assert linked.vendor_id in books.detail("vendor", by_number)
    assert books.supplier_of(by_name)["accountReference"] == by_name  # one of its own


def test_an_archived_vendor_sets_its_supplier_on_hold_and_back(books: Books) -> None:
    vendor_id = books.create_vendor(22)
    books.sync_bill(vendor_id, "V-22")
    books.control.archive_vendor(books.organization, vendor_id)
    books.until(lambda: books.supplier_of(vendor_id)["status"] == "OnHold", "the supplier is on hold")
    books.control.restore_vendor(books.organization, vendor_id)
    books.until(lambda: books.supplier_of(vendor_id)["status"] == "Active", "the supplier is active again")

    books.apply_file(poll_interval_s=1, archived_vendors="leave")
    books.control.archive_vendor(books.organization, vendor_id)
    books.walk("bill")
    books.quiet()
    assert books.supplier_of(vendor_id)["status"] == "Active"


def test_with_hold_a_vendor_waits_for_its_supplier_or_for_a_link(books: Books) -> None:
    books.apply_file(poll_interval_s=1, unmatched_vendors="hold")
    appears, linked = (books.create_vendor(place, name=f"Ny {place} AB") for place in (30, 31))
    bills = [books.create_bill(each, f"N-{each[-4:]}") for each in (appears, linked)]
    books.expect_all("vendor", [appears, linked], "held", "no_supplier")
    books.expect_all("bill", bills, "held", "vendor_held")
    assert "Ny 30 AB" in books.detail("vendor", appears)

    number = books.control.create_supplier(books.company, {"name": "NY 30", "supplierClassId": "1"})["number"]
    books.expect({("vendor", appears): ("synced", None), ("bill", bills[0]): ("synced", None)})
    row = books.record("vendor", appears)
    assert row is not None and row["visma_number"] == number

    other = books.control.create_supplier(books.company, {"name": "Helt annat", "supplierClassId": "1"})
    books.walk("visma")
    done = books.command("link", books.id, linked, str(other["number"]))
    assert done.exit_code == 0, done.stderr
    books.expect({("vendor", linked): ("synced", None), ("bill", bills[1]): ("synced", None)})
    assert books.invoice_of(bills[1])["supplier"]["number"] == other["number"]
