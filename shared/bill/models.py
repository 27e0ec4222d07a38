"""BILL's records as the sync sees them: immutable, money in Decimal, times aware UTC.

Field meanings follow BILL's v3 reference. Unset fields, which BILL omits, are None or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

Kind = Literal["vendor", "bill"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """A vendor's postal address; ``country`` is an ISO 3166 two-letter code."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state_or_province: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor. ``whole`` is False for a webhook's vendor, which is only nearly the whole record.

    ``payment_digest`` is a digest of the payment details, so that a change can be noticed without
    keeping an account number.
    """

    id: str
    name: str
    archived: bool = False
    short_name: str | None = None
    account_number: str | None = None
    email: str | None = None
    phone: str | None = None
    address: Address = field(default_factory=Address)
    tax_id: str | None = None
    payment_term_id: str | None = None
    bill_currency: str | None = None
    payment_digest: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    whole: bool = True


Classifications = Mapping[str, str]
"""A line's or a bill's classification ids by BILL's key, such as ``chartOfAccountId``."""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill; ``amount`` wins over ``quantity`` times ``price`` (BILL reference 6.3)."""

    id: str | None
    amount: Decimal
    quantity: Decimal | None = None
    price: Decimal | None = None
    description: str | None = None
    classifications: Classifications = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approver:
    """Someone who approves, or approved, a bill."""

    user_id: str
    status: str
    order: int | None = None
    status_changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """A whole bill as ``GET /v3/bills/{id}`` and the list show it.

    ``amount`` is in the vendor's currency; a bill has no currency of its own in BILL v3.
    """

    id: str
    vendor_id: str
    amount: Decimal
    vendor_name: str | None = None
    archived: bool = False
    record_status: str | None = None
    description: str | None = None
    due_date: date | None = None
    invoice_number: str | None = None
    invoice_date: date | None = None
    lines: tuple[BillLine, ...] = ()
    classifications: Classifications = field(default_factory=dict)
    purchase_order_number: str | None = None
    payment_status: str | None = None
    approval_status: str | None = None
    approvers: tuple[Approver, ...] = ()
    paid_amount: Decimal = Decimal(0)
    scheduled_amount: Decimal = Decimal(0)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_draft(self) -> bool:
        """Drafts and deleted drafts show as archived; only ``recordStatus`` tells them apart."""
        return self.record_status in {"DRAFT", "DRAFT_DELETED"}


@dataclass(frozen=True, slots=True)
class Classification:
    """An entry of one of BILL's classification lists; ``number`` only for the chart of accounts."""

    id: str
    name: str
    archived: bool = False
    short_name: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. ``next_page`` is the cursor of the next one, None at the end.

    ``unusable`` says of each item that could not be taken in what is wrong with it.
    """

    results: tuple[T, ...]
    next_page: str | None
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription as BILL shows it; the security key is never part of it."""

    id: str
    notification_url: str
    enabled: bool
    event_types: tuple[str, ...]
    name: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A vendor or bill as BILL sent it, not yet parsed: so that one bad record never stops a list."""

    kind: Kind
    id: str
    updated_at: datetime | None
    body: Mapping[str, Any]
