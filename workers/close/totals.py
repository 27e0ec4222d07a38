"""Sums of both sides of the proof, by currency and by supplier. Pure, exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from workers.close.models import Side, Total

_EXACT = Context(prec=200)


@dataclass(slots=True)
class _Sum:
    bill: Decimal = Decimal(0)
    visma: Decimal = Decimal(0)
    bills: int = 0
    documents: int = 0
    supplier: str | None = None

    def add(self, side: Side) -> None:
        if side.bill_amount is not None:
            self.bill = _EXACT.add(self.bill, side.bill_amount)
            self.bills += 1
        if side.visma_amount is not None:
            self.visma = _EXACT.add(self.visma, side.visma_amount)
            self.documents += 1
        self.supplier = self.supplier or side.supplier


def sum_by_currency(sides: Iterable[Side]) -> Sequence[Total]:
    """One total a currency."""
    sums = _sum(sides, lambda side: (side.currency, None))
    return [_total(key, one) for key, one in sorted(sums.items())]


def sum_by_supplier(sides: Iterable[Side]) -> Sequence[Total]:
    """One total a supplier and currency."""
    sums = _sum(sides, lambda side: (side.currency, side.supplier_number or f"? {side.supplier}"))
    totals = [_total(key, one, key[1]) for key, one in sums.items()]
    return sorted(
        totals, key=lambda total: (total.supplier or "", total.supplier_number or "", total.currency)
    )


def _sum(
    sides: Iterable[Side], key_of: Callable[[Side], tuple[str, str | None]]
) -> dict[tuple[str, str | None], _Sum]:
    sums: dict[tuple[str, str | None], _Sum] = {}
    for side in sides:
        sums.setdefault(key_of(side), _Sum()).add(side)
    return sums


def _total(key: tuple[str, str | None], found: _Sum, number: str | None = None) -> Total:
    known = number if number and not number.startswith("? ") else None
    return Total(
        currency=key[0],
        bill=found.bill,
        visma=found.visma,
        bills=found.bills,
        documents=found.documents,
        supplier=found.supplier if number else None,
        supplier_number=known,
    )
