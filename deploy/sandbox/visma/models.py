"""What Visma.net keeps: companies with their set-up, suppliers, supplier invoices and effects."""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from deploy.sandbox.jsonio import Json


@dataclass(slots=True)
class VismaSettings:
    """Where Visma's behaviour is unknown or configurable; times in seconds of real time."""

    require_company_header: bool = True
    note_on_single_reads: bool = True
    business_error_status: int = 400
    invalid_client_status: int = 401
    token_life_s: int = 3600
    release_delay_s: float = 0.2
    release_answer: str = "empty"
    background_delay_s: float = 0.05
    refuse_negative_unit_cost: bool = False
    max_page_size: int = 1000
    calls_per_hour: int = 15_000
    shuffled_lists: bool = True


@dataclass(slots=True)
class Preferences:
    """Company preferences that change what the ERP accepts (Visma reference: preference toggles)."""

    hold_on_entry: bool = False
    require_supplier_ref: bool = False
    raise_error_on_duplicate_ref: bool = False
    validate_totals: bool = False
    auto_create_subaccount: bool = True
    manual_supplier_numbers: bool = False
    manual_invoice_numbers: bool = False
    manual_numbers_on_import: bool = False


@dataclass(slots=True)
class Account:
    """A general ledger account."""

    id: int
    number: str
    description: str
    type: str = "Expense"
    active: bool = True
    allow_manual_entry: bool = True
    control_module: str | None = None
    vat_category: str | None = None
    modified_at: datetime | None = None
    version: str = ""


@dataclass(slots=True)
class SegmentValue:
    """One value of a subaccount segment: usually a cost centre."""

    value: str
    description: str
    active: bool = True
    modified_at: datetime | None = None
    version: str = ""


@dataclass(slots=True)
class Segment:
    """A segment of the subaccount key; ``description`` is the customer's own word for it."""

    id: int
    description: str
    length: int
    validate: bool = True
    values: dict[str, SegmentValue] = field(default_factory=dict)
    modified_at: datetime | None = None
    version: str = ""


@dataclass(slots=True)
class Vat:
    """A VAT id. It applies where a line's category and the supplier's zone both list it."""

    id: str
    description: str
    rate: Decimal
    type: str = "Vat"
    inclusive: bool = False
    categories: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)

    @property
    def counted(self) -> bool:
        """Whether it adds to what is owed to the supplier; reverse charge does not."""
        return self.type == "Vat"


@dataclass(slots=True)
class VatCategory:
    """What lines name in ``vatCodeId``."""

    id: str
    description: str
    active: bool = True


@dataclass(slots=True)
class Currency:
    """A currency and the number of decimals amounts in it have."""

    id: str
    description: str
    places: int = 2


@dataclass(slots=True)
class Period:
    """A financial period of a year that need not be a calendar year."""

    year: int
    period: str
    start: date
    end: date
    active: bool = True
    closed_in_supplier_ledger: bool = False
    closed_in_general_ledger: bool = False

    @property
    def key(self) -> str:
        """``YYYYPP``, as ``financialPeriod`` is written."""
        return f"{self.year}{self.period}"


@dataclass(slots=True)
class Subaccount:
    """A combination of segment values."""

    id: int
    number: str
    values: tuple[str, ...]
    active: bool = True
    modified_at: datetime | None = None
    version: str = ""


@dataclass(slots=True)
class Supplier:
    """A supplier; ``fields`` holds the written values by their write names, nested ones plain."""

    id: int
    number: str
    fields: Json
    version: str
    created_at: datetime
    modified_at: datetime
    order: float = 0.0
    text: str | None = None


@dataclass(slots=True)
class TaxLine:
    """The VAT of all lines with one VAT id; amounts in the document's currency."""

    vat: Vat
    taxable: Decimal
    amount: Decimal


@dataclass(slots=True)
class InvoiceLine:
    """A line of a supplier invoice; ``fields`` as ``Supplier.fields``, ``cost`` in its currency."""

    number: int
    fields: Json
    cost: Decimal
    quantity: Decimal
    unit_cost: Decimal
    subaccount: Subaccount


@dataclass(slots=True)
class Totals:
    """Sums of a document in its own currency."""

    detail: Decimal
    taxable: Decimal
    exempt: Decimal
    vat: Decimal
    amount: Decimal
    tax_lines: list[TaxLine]


@dataclass(slots=True)
class Attachment:
    """A file at an invoice; the same name again is a new revision."""

    id: str
    name: str
    revision: int
    content: bytes
    sha256: str
    line: int | None = None


@dataclass(slots=True)
class Invoice:
    """A supplier invoice or credit; amounts in its own currency unless said otherwise."""

    id: int
    type: str
    number: str
    supplier: Supplier
    fields: Json
    lines: list[InvoiceLine]
    totals: Totals
    status: str
    period: Period
    currency: Currency
    rate: Decimal
    version: str
    created_at: datetime
    modified_at: datetime
    balance: Decimal = Decimal(0)
    overrides: dict[str, tuple[Decimal | None, Decimal | None]] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    order: float = 0.0
    text: str | None = None


@dataclass(slots=True)
class Effect:
    """One thing that happened in a company; ``row`` is the record as it then was."""

    seq: int
    at: datetime
    kind: str
    entity: str
    type: str
    number: str
    by: str
    row: Supplier | Invoice


Row = TypeVar("Row", Supplier, Invoice)


class Register(Generic[Row]):
    """Rows by key, and in an order that means nothing but stays (Visma reference: no stable order)."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._rows: dict[str, Row] = {}
        self._order: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: str, row: Row) -> None:
        """Add a row at a random place of the order."""
        row.order = self._dice.random()
        self._rows[key] = row
        bisect.insort(self._order, (row.order, key))

    def remove(self, key: str) -> None:
        """Take a row out."""
        row = self._rows.pop(key)
        del self._order[bisect.bisect_left(self._order, (row.order, key))]

    def get(self, key: str) -> Row | None:
        """The row of that key, if any."""
        return self._rows.get(key)

    def rows(self, shuffled: bool = False) -> Iterator[Row]:
        """All rows, oldest first or in the register's own order."""
        if shuffled:
            return (self._rows[key] for _, key in self._order)
        return iter(self._rows.values())
