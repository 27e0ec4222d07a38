"""The checks at the end of the day, over what both systems hold. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy.demo.books import Books, marked_bill
from deploy.demo.clients import CREDENTIALS
from deploy.demo.sides import Pair
from deploy.demo.story import Promise, Story
from deploy.sandbox.jsonio import Json

US = CREDENTIALS["visma"]["client_id"]
"""The connector's name in Visma's log."""

_VENDOR_FIELDS = ("name", "email", "phone", "line1", "zipOrPostalCode", "city", "country")


@dataclass(frozen=True, slots=True)
class Result:
    """A check that was made; ``problems`` is empty where it held."""

    text: str
    problems: tuple[str, ...] = ()


def check_all(books: Sequence[Books], pairs: Sequence[Pair], story: Story) -> list[Result]:
    """Every check of the day, the general ones first, then what the chapters promised."""
    general = [
        Promise(
            "every approved bill stands in Visma exactly once", lambda _: list(_miscounted(pairs, story))
        ),
        Promise(
            "supplier, number, amounts, currency, dates, accounts and cost centres are equal, field by field",
            lambda _: [f"{_named(pair)}: {text}" for pair in pairs for text in pair.list_differences()],
        ),
        Promise(
            "nothing stands in Visma that no approved bill asks for", lambda _: list(_unasked(books, pairs))
        ),
        Promise(
            "no supplier was made twice, and each new one is its vendor",
            lambda _: list(_suppliers(books, story)),
        ),
        Promise("each document and each supplier was created once", lambda _: list(_created_twice(books))),
        Promise(
            "held is exactly what a person must decide, each for the right reason",
            lambda _: list(_wrongly_held(books, story)),
        ),
        Promise("what is not approved waits", lambda _: list(_wrongly_waiting(books, story))),
    ]
    return [Result(one.text, tuple(one.prove(books))) for one in (*general, *story.promises)]


def _miscounted(pairs: Sequence[Pair], story: Story) -> Iterator[str]:
    for pair in pairs:
        expected = int(pair.is_wanted and not story.is_held(pair.tenant, pair.bill["id"]))
        if len(pair.invoices) != expected:
            yield f"{_named(pair)}: {len(pair.invoices)} documents in Visma instead of {expected}"


def _unasked(books: Sequence[Books], pairs: Sequence[Pair]) -> Iterator[str]:
    wanted = {pair.bill["id"] for pair in pairs if pair.is_wanted}
    for one in books:
        for invoice in one.invoices:
            if marked_bill(invoice) not in wanted:
                yield f"{one.client.id}: {invoice['documentType']} {invoice['referenceNumber']}"


def _suppliers(books: Sequence[Books], story: Story) -> Iterator[str]:
    for one in books:
        linked = Counter(supplier["accountReference"] for supplier in one.suppliers)
        new = 0
        for vendor in one.vendors:
            expected = int(not story.is_held(one.client.id, vendor["id"]))
            new += expected and vendor["id"] not in story.partners[one.client.id]
            if linked[vendor["id"]] != expected:
                yield f"{vendor['name']}: {linked[vendor['id']]} suppliers instead of {expected}"
        before = len(story.old_suppliers[one.client.id])
        if len(one.suppliers) != before + new:
            yield f"{one.client.id}: {len(one.suppliers)} suppliers instead of {before} + {new}"
        yield from _unequal_suppliers(one, story)


def _unequal_suppliers(books: Books, story: Story) -> Iterator[str]:
    """A supplier that we made says what its vendor says; one that people made keeps what they wrote."""
    by_vendor = {supplier["accountReference"]: supplier for supplier in books.suppliers}
    for vendor in books.vendors:
        supplier = by_vendor.get(vendor["id"])
        expected = story.partners[books.client.id].get(vendor["id"])
        if supplier is None:
            continue
        if expected is not None:
            if supplier["number"] != expected:
                yield f"{vendor['name']}: linked to supplier {supplier['number']} instead of {expected}"
            continue
        for name, theirs, ours in zip(
            _VENDOR_FIELDS, _vendor_values(vendor), _supplier_values(supplier), strict=True
        ):
            if theirs != ours:
                yield f"{vendor['name']}: {name} is {theirs} in BILL and {ours} in Visma"


def _vendor_values(vendor: Json) -> tuple[object, ...]:
    address = vendor["address"]
    return (
        *(vendor.get(name) for name in ("name", "email", "phone")),
        *(address.get(name) for name in ("line1", "zipOrPostalCode", "city", "country")),
    )


def _supplier_values(supplier: Json) -> tuple[object, ...]:
    contact, address = supplier["mainContact"], supplier["mainAddress"]
    return (
        supplier["name"],
        contact["email"],
        contact["phone1"],
        *(address[name] for name in ("addressLine1", "postalCode", "city")),
        (address["country"] or {}).get("id"),
    )


def _created_twice(books: Sequence[Books]) -> Iterator[str]:
    for one in books:
        documents = Counter(marked_bill(effect["body"]) for effect in one.created("supplierInvoice", US))
        suppliers = Counter(effect["body"]["accountReference"] for effect in one.created("supplier", US))
        for key, count in (documents + suppliers).items():
            if count > 1:
                yield f"{one.client.id}: {key} was created {count} times"


def _wrongly_held(books: Sequence[Books], story: Story) -> Iterator[str]:
    found = {
        (one.client.id, record["bill_id"]): record["reason"]
        for one in books
        for record in one.records
        if record["state"] == "held"
    }
    for key in sorted(story.held.keys() | found.keys()):
        wanted, reason = story.held.get(key, "not held"), found.get(key, "not held")
        if wanted != reason:
            yield f"{key[0]} {key[1]}: {reason} instead of {wanted}"


def _wrongly_waiting(books: Sequence[Books], story: Story) -> Iterator[str]:
    found = {
        (one.client.id, record["bill_id"])
        for one in books
        for record in one.records
        if record["state"] == "waiting"
    }
    for tenant, record_id in sorted(found ^ story.waiting):
        yield f"{tenant} {record_id}: {'waits' if (tenant, record_id) in found else 'does not wait'}"


def _named(pair: Pair) -> str:
    return f"{pair.tenant} {pair.wanted.number}"
