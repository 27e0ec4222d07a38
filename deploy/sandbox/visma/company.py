"""A Visma.net company: its set-up, documents, number series and the log of effects."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from deploy.sandbox.clock import Clock, Stamps
from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.models import (
    Account,
    Attachment,
    Currency,
    Effect,
    Invoice,
    Period,
    Preferences,
    Register,
    Segment,
    Subaccount,
    Supplier,
    Vat,
    VatCategory,
    VismaSettings,
)
from deploy.sandbox.visma.versions import RowVersions

FIRST_SUPPLIER = 50_001
FIRST_INVOICE = 357


@dataclass
class SetUp:
    """What a company's people configured, by the keys documents use."""

    country: str = "SE"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Oslo"))
    base_currency: str = "SEK"
    settings: VismaSettings = field(default_factory=VismaSettings)
    preferences: Preferences = field(default_factory=Preferences)
    accounts: dict[str, Account] = field(default_factory=dict)
    segments: dict[int, Segment] = field(default_factory=dict)
    subaccounts: dict[str, Subaccount] = field(default_factory=dict)
    vat_categories: dict[str, VatCategory] = field(default_factory=dict)
    vats: dict[str, Vat] = field(default_factory=dict)
    vat_zones: dict[str, str] = field(default_factory=dict)
    currencies: dict[str, Currency] = field(default_factory=dict)
    rates: dict[str, Decimal] = field(default_factory=dict)
    credit_terms: dict[str, Json] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)
    payment_methods: dict[str, str] = field(default_factory=dict)
    ledgers: dict[str, str] = field(default_factory=dict)
    supplier_classes: dict[str, Json] = field(default_factory=dict)
    default_supplier_class: str | None = None


class Company(SetUp):
    """Everything one company tenant holds."""

    def __init__(
        self,
        company_id: str,
        tenant_id: str,
        name: str,
        clock: Clock,
        bump: Callable[[], None],
        seed: int = 1,
    ) -> None:
        super().__init__()
        self.company_id = company_id
        self.tenant_id = tenant_id
        self.name = name
        self.stamps = Stamps(clock)
        self.versions = RowVersions()
        self.suppliers: Register[Supplier] = Register(seed)
        self.invoices: Register[Invoice] = Register(seed)
        self.attachments: dict[str, Attachment] = {}
        self.log: list[Effect] = []
        self._bump = bump
        self._clock = clock
        self._series: dict[str, int] = {}

    def next_number(self, series: str) -> str:
        """The next free number of a series: ``supplier`` or a document type."""
        if series == "supplier":
            number = self._series[series] = self._series.get(series, FIRST_SUPPLIER - 1) + 1
            return str(number)
        number = self._series[series] = self._series.get(series, FIRST_INVOICE - 1) + 1
        return f"{number:06d}"

    def next_id(self) -> int:
        """An internal id, unlike any before in this company."""
        number = self._series["id"] = self._series.get("id", 1000) + 1
        return number

    def note(self, kind: str, row: Supplier | Invoice, by: str) -> None:
        """Append what happened to a record to the log of effects."""
        # A shallow copy is a snapshot: changes replace fields, lines and totals, they never edit them.
        entity, type = ("supplierInvoice", row.type) if isinstance(row, Invoice) else ("supplier", "Supplier")
        seq, now = len(self.log) + 1, self._clock.now()
        self.log.append(Effect(seq, now, kind, entity, type, row.number, by, copy(row)))
        self._bump()

    def local(self, moment: datetime) -> str:
        """A time as reads show it: local, without zone, with milliseconds."""
        return moment.astimezone(self.zone).replace(tzinfo=None).isoformat(timespec="milliseconds")

    def today(self) -> date:
        """The company's local date."""
        return self._clock.now().astimezone(self.zone).date()

    def vat_of(self, category: str | None, zone: str | None) -> Vat | None:
        """The VAT that a category has in a zone, if any (Visma reference: VAT category and zone)."""
        for vat in self.vats.values():
            if category in vat.categories and (not vat.zones or zone in vat.zones):
                return vat
        return None

    def period_of(self, day: date) -> Period | None:
        """The period that holds a day."""
        for period in self.periods.values():
            if period.start <= day <= period.end:
                return period
        return None


def invoice_key(type: str, number: str) -> str:
    """Numbers are unique per document type only."""
    return f"{type}/{number}"


def touch(company: Company, row: Any) -> None:
    """A row changed: new version, new time, cached text gone."""
    row.version = company.versions.next()
    row.modified_at = company.stamps.next()
    if hasattr(row, "text"):
        row.text = None
