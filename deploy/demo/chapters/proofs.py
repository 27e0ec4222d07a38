"""Proofs of promises that chapters make; each looks at the systems when the day is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deploy.demo.books import Books
from deploy.demo.clients import CLIENTS, Client
from deploy.demo.day import Day
from deploy.demo.story import Proof
from deploy.sandbox.jsonio import Json

OK = "200"


def prove_twice_delivered(day: Day) -> Proof:
    """Whether BILL's log shows that notifications came twice, and that the ingress took each."""

    def prove(_: Sequence[Books]) -> list[str]:
        problems = []
        for client in CLIENTS:
            taken = Counter(
                one["event"] for one in day.control.webhooks(organization=client.organization, status=OK)
            )
            twice = sum(count == 2 for count in taken.values())
            if not twice:
                problems.append(f"{client.name}: none of {len(taken)} notifications came twice")
        return problems

    return prove


def prove_document(client: Client, number: str, wanted: Json) -> Proof:
    """Whether the document with the supplier's reference ``number`` has these values in Visma."""

    def prove(books: Sequence[Books]) -> list[str]:
        found = [
            invoice
            for one in books
            if one.client.id == client.id
            for invoice in one.invoices
            if invoice["supplierReference"] == number
        ]
        if len(found) != 1:
            return [f"{client.id} {number}: {len(found)} documents"]
        return [
            f"{client.id} {number}: {name} is {found[0].get(name)} instead of {value}"
            for name, value in wanted.items()
            if found[0].get(name) != value
        ]

    return prove


def prove_counted(day: Day, at_least: int, **wanted: object) -> Proof:
    """Whether so many calls that agree with ``wanted`` were made."""

    def prove(_: Sequence[Books]) -> list[str]:
        count = day.control.count_calls(**wanted)
        return [] if count >= at_least else [f"{count} calls of {wanted} instead of {at_least}"]

    return prove
