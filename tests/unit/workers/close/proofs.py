"""A month's proof as the tests of its forms begin from it; hostile names on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from tests.unit.workers.samples import CONFIG
from workers.close.models import Difference, Month, Notice, Proof, Side
from workers.close.report import Report, Stamp
from workers.close.totals import sum_by_currency, sum_by_supplier

OCTOBER = Month.parse("2026-10")
AT = datetime(2026, 11, 26, 11, 22, 33, tzinfo=UTC)
HEAD = f"1042:{'5c' * 32}"
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
NAMES = ("Åkeri & Söner AB", "Bröd, Kaffe och Sånt AB", "Kontorsvaror i Malmö AB", "Müller GmbH")


def side(number: int, *, verdict: str = "equal", supplier: str | None = None) -> Side:
    """The ``number``-th bill of the month."""
    amount = Decimal(number * 12345) / 100 * (-1 if number % 7 == 6 else 1)
    currency = "EUR" if number % 4 == 3 else "SEK"
    kind = "Invoice" if amount >= 0 else "DebitAdj"
    return Side(
        bill_id=f"00n01BILL{number:011d}",
        reference=f"F-{1000 + number}",
        date=date(2026, 10, 1 + number % 31),
        supplier=supplier or NAMES[number % 4],
        supplier_number=str(50001 + number % 4),
        currency=currency,
        bill_amount=None if verdict == "missing in BILL" else amount,
        visma_amount=None if verdict == "missing in Visma" else amount,
        visma_number=None if verdict == "missing in Visma" else f"{kind} {900000 + number:06d}",
        visma_status=None if verdict == "missing in Visma" else "Open",
        verdict=verdict,
    )


def differing(one: Side, what: str, bill: str, visma: str) -> Difference:
    """A difference of a bill."""
    number = (one.visma_number or "").partition(" ")[2] or None
    return Difference(one.bill_id, one.reference, number, what, bill, visma)


def make_proof(count: int = 40, *, supplier: str | None = None, differs: bool = True) -> Proof:
    """A proof of so many equal bills, and a few that are not."""
    proof = Proof(replace(CONFIG, locale="sv_SE"), OCTOBER)
    proof.sides = [side(number, supplier=supplier) for number in range(1, count + 1)]
    if differs:
        lost, wrong, foreign = (
            side(count + place, verdict=verdict, supplier=supplier)
            for place, verdict in enumerate(("missing in Visma", "differs", "missing in BILL"), start=1)
        )
        proof.sides += [lost, replace(wrong, visma_amount=Decimal("17.5")), foreign]
        proof.differences = [
            differing(lost, "missing in Visma", "1250.00 SEK, approved", "nothing; held: unmapped_account"),
            differing(wrong, "amount", "54.32 SEK", "17.50 SEK"),
            differing(foreign, "missing in BILL", "BILL does not know the bill", "Invoice 900043, Open"),
        ]
        proof.notices.append(Notice("held", "held: unmapped_account: line 1", lost.bill_id, lost.reference))
    proof.notices += [
        Notice("not_released", f"{one.visma_number} is not released yet in Visma", one.bill_id, one.reference)
        for one in proof.sides[:3]
    ]
    proof.notices.append(Notice("not_compared", "vendor credits are not compared"))
    proof.by_currency, proof.by_supplier = sum_by_currency(proof.sides), sum_by_supplier(proof.sides)
    return proof


def make_report(proof: Proof | None = None) -> Report:
    """A report made at a known time."""
    versions = {"connector": "0.1.0", "python": "3.11.7"}
    return Report.make(proof or make_proof(), Stamp(AT, versions, HEAD, AT))
