"""What the month-end proof knows of both systems, and what it says. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from shared.bill.models import Bill, Vendor
from shared.errors import UsageError
from shared.tenants import TenantConfig
from shared.visma.models import FinancialPeriod, Lists, SupplierInvoice
from workers.mapping.amounts import turn
from workers.mapping.codes import Codes

Key = tuple[str, str]
"""A document's type and number in Visma."""

VOIDED: Final = "Voided"
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month: the bills whose invoice date is in it."""

    name: str
    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``YYYY-MM``. Raises UsageError."""
        found = _MONTH.fullmatch(text.strip())
        if found is None or int(found[1]) < 1:
            raise UsageError(f"--period {text!r} is not a month: write it as 2026-10")
        year, month = int(found[1]), int(found[2])
        days = calendar.monthrange(year, month)[1]
        return cls(found[0], date(year, month, 1), date(year, month, days))

    def holds(self, day: date | None) -> bool:
        """Whether the day is in the month."""
        return day is not None and self.first <= day <= self.last

    def overlapping(self, periods: Iterable[FinancialPeriod]) -> frozenset[str]:
        """The entries of Visma's calendar that share a day with the month."""
        return frozenset(one.id for one in periods if one.start <= self.last and one.end >= self.first)


@dataclass(frozen=True, slots=True)
class Known:
    """What our row says of a bill: state and why, and the document it is tied to."""

    bill_id: str
    state: str
    reason: str | None = None
    detail: str | None = None
    key: Key | None = None
    adopted: bool = False
    written_period: str | None = None


@dataclass(frozen=True, slots=True)
class Loose:
    """A document of Visma's that carries no marker of ours, nor belongs to a bill: a person entered it."""

    key: Key
    amount: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that a system showed and that cannot be read; ``of_month`` unless it surely is of another."""

    system: str
    what: str
    of_month: bool
    bill_id: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Both systems as they were read. ``documents`` carry our marker or belong to a bill by our rows.

    ``bills`` are those of the month, ``others`` what BILL has of bills outside it that documents of the
    month name; a bill that is in neither is not in BILL. ``loose`` are by supplier and folded reference.
    ``supplier_numbers`` and ``supplier_names`` are by vendor id and by supplier number.
    """

    tenant: TenantConfig
    month: Month
    bills: Sequence[Bill]
    others: Mapping[str, Bill]
    vendors: Mapping[str, Vendor]
    known: Mapping[str, Known]
    documents: Mapping[Key, SupplierInvoice]
    loose: Mapping[tuple[str, str], Sequence[Loose]]
    loose_count: int
    supplier_numbers: Mapping[str, str]
    supplier_names: Mapping[str, str]
    codes: Codes
    lists: Lists
    unreadable: Sequence[Unreadable] = ()

    @property
    def unreadable_bills(self) -> frozenset[str]:
        """Bills that BILL has and nobody can read."""
        return frozenset(one.bill_id for one in self.unreadable if one.bill_id is not None)

    @property
    def period_ids(self) -> frozenset[str]:
        """The entries of Visma's calendar that overlap the month; years may be broken."""
        return self.month.overlapping(self.lists.periods)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the two systems differ, in words; ``bill`` and ``visma`` are what each shows."""

    bill_id: str | None
    reference: str | None
    visma_number: str | None
    what: str
    bill: str | None
    visma: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know that is no difference; ``kind`` is a stable word that groups them."""

    kind: str
    what: str
    bill_id: str | None = None
    reference: str | None = None
    visma_number: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One line of the proof: a bill, its document, or both. Amounts are signed: a credit is negative.

    ``verdict`` is ``equal``, ``differs``, ``missing in Visma``, ``missing in BILL``, ``cannot be read`` or
    ``withdrawn``.
    """

    bill_id: str | None
    reference: str | None
    date: date | None
    supplier: str | None
    supplier_number: str | None
    currency: str
    bill_amount: Decimal | None
    visma_amount: Decimal | None
    visma_number: str | None
    visma_status: str | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of both sides of one currency, of one supplier where it is named."""

    currency: str
    bill: Decimal
    visma: Decimal
    bills: int
    documents: int
    supplier: str | None = None
    supplier_number: str | None = None

    @property
    def difference(self) -> Decimal:
        """What BILL has more than Visma."""
        return self.bill - self.visma


@dataclass(slots=True)
class Proof:
    """What came of it."""

    tenant: TenantConfig
    month: Month
    sides: list[Side] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    by_currency: Sequence[Total] = ()
    by_supplier: Sequence[Total] = ()

    @property
    def matches(self) -> int:
        """How many bills stand in Visma and are equal."""
        return sum(1 for side in self.sides if side.verdict == "equal")


def signed(document: SupplierInvoice) -> Decimal:
    """A document's amount as it counts: a debit adjustment takes away."""
    return turn(document.amount, negate=document.document_type == "DebitAdj")


def exact(amount: Decimal) -> str:
    """An amount with all its digits, and two decimals at least."""
    whole, _, decimals = f"{amount:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def show_amount(amount: Decimal, currency: str | None) -> str:
    """An amount with its currency, for people."""
    return f"{exact(amount)} {currency or ''}".rstrip()


def show_key(key: Key) -> str:
    """A document as people name it."""
    return f"{key[0]} {key[1]}"
