"""Visma.net's records as the sync sees them: immutable, money in Decimal.

``last_modified`` stays Visma's own text: it is local time without a zone (Visma reference 3.2), and
watermarks are made of the server's own values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from shared.fields import Fields

T = TypeVar("T")

EDITABLE_STATUSES = frozenset({"Hold", "Balanced"})
"""The only statuses in which a supplier invoice may be changed (Visma reference 5.5); others are released."""


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier as lists and single reads show it; ``fields`` holds all we write, flat."""

    number: str
    name: str
    status: str
    account_reference: str | None
    corporate_id: str | None
    vat_registration_id: str | None
    currency_id: str | None
    etag: str
    last_modified: str | None
    fields: Fields
    currency_override: bool = False


@dataclass(frozen=True, slots=True)
class SupplierInvoiceLine:
    """One line of a supplier invoice; ``fields`` holds all we write, flat."""

    number: int
    amount: Decimal
    fields: Fields


@dataclass(frozen=True, slots=True)
class SupplierInvoice:
    """A supplier invoice; ``amount`` is the total including VAT in the document's currency.

    ``fields`` holds all header fields that we write, flat. ``note`` is None in a list that was not
    asked to expand it.
    """

    document_type: str
    number: str
    supplier_number: str
    supplier_reference: str | None
    status: str
    hold: bool
    date: date | None
    currency_id: str | None
    amount: Decimal
    balance: Decimal | None
    note: str | None
    etag: str
    last_modified: str | None
    fields: Fields
    lines: tuple[SupplierInvoiceLine, ...] = ()

    @property
    def is_released(self) -> bool:
        """True once Visma's ledger has the document: it may no longer be changed by us."""
        return self.status not in EDITABLE_STATUSES


@dataclass(frozen=True, slots=True)
class Written:
    """What a write told us: the number from ``Location`` (None on PUT) and the new ETag, if any."""

    number: str | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """A general ledger account as far as a posting may use it."""

    number: str
    active: bool
    allow_manual_entry: bool
    control: bool
    description: str | None = None

    @property
    def is_postable(self) -> bool:
        """Whether a supplier invoice line may name it (Visma reference 6)."""
        return self.active and self.allow_manual_entry and not self.control


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of the subaccount; ``values`` maps a value to whether it is active.

    ``validate`` False means free text is allowed.
    """

    id: int
    description: str
    validate: bool
    values: Mapping[str, bool]
    descriptions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency Visma knows; ``precision`` is the number of decimals."""

    id: str
    precision: int
    is_base: bool = False


@dataclass(frozen=True, slots=True)
class FinancialPeriod:
    """One entry of Visma's calendar; ``id`` is its year and period as ``YYYYPP``. Ends inclusive."""

    id: str
    start: date
    end: date
    active: bool
    closed: bool

    @property
    def is_open(self) -> bool:
        """Whether a supplier invoice may be posted into it."""
        return self.active and not self.closed


@dataclass(frozen=True, slots=True)
class Lists:
    """Visma's reference lists of one company, as a mapping is judged against them."""

    accounts: Mapping[str, Account]
    segments: Mapping[int, Segment]
    vat_categories: Mapping[str, bool]
    currencies: Mapping[str, Currency]
    periods: tuple[FinancialPeriod, ...]


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line of an update: what to do, with which of Visma's lines, and the fields to write."""

    operation: Literal["Insert", "Update", "Delete"]
    line_number: int | None
    fields: Fields


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of an unordered list; ``total_count`` is the list's size as of this page.

    An empty page has 0 there: past the end Visma says nothing of the size (Visma docs: pagination).
    ``unusable`` says of each item that could not be taken in what is wrong with it.
    """

    results: tuple[T, ...]
    total_count: int
    unusable: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many items it held; Visma may give fewer than were asked for, without a word."""
        return len(self.results) + len(self.unusable)
