"""A tenant, a vendor, a bill and Visma's lists as most mapping tests start from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.bill.models import Address, Approver, Bill, BillLine, Classification, Vendor
from shared.tenants import (
    BillConfig,
    CountryMapping,
    MappingConfig,
    SegmentMapping,
    SyncConfig,
    TenantConfig,
    VismaConfig,
)
from shared.visma.models import Account, Currency, FinancialPeriod, Lists, Segment
from workers.mapping.codes import Codes
from workers.mapping.supplier_invoice import SupplierInvoiceDraft, WrittenBody, map_supplier_invoice

MAPPING = MappingConfig(
    supplier_class="1",
    currency="SEK",
    vat_category="1",
    vat_category_exempt="0",
    country="SE",
    account="4000",
    accounts={"0ca-rent": "5010"},
    vat_categories={"5010": "25"},
    countries={
        "EU": CountryMapping(supplier_class="2", vat_zone="EU", vat="none", vat_category="21"),
        "NO": CountryMapping(vat_zone="EXP"),
    },
    credit_terms={"0tm-30": "30"},
    segments=(SegmentMapping(1, "departmentId", {"0de-sales": "100"}, "000"),),
)

CONFIG = TenantConfig(
    id="acme-se",
    name="Acme AB",
    bill=BillConfig("https://bill.example/connect", "https://bill.example/events", "008-acme"),
    visma=VismaConfig("https://visma.example", "https://visma.example/token", "tenant", "1234567"),
    sync=SyncConfig(bills_since=date(2026, 1, 1)),
    mapping=MAPPING,
)

VENDOR = Vendor(
    id="009-vendor",
    name="Café Åkesson & Søn AB",
    email="faktura@akesson.example",
    phone="+46 8 123 45",
    address=Address(line1="Storgatan 1", line2="2 tr", city="Malmö", postal_code="211 34", country="SE"),
    tax_id="556677-8899",
    payment_term_id="0tm-30",
    bill_currency="SEK",
)

BILL = Bill(
    id="00n-bill",
    vendor_id="009-vendor",
    amount=Decimal("125.00"),
    description="Fika i mars",
    due_date=date(2026, 4, 14),
    invoice_number="F-1001",
    invoice_date=date(2026, 3, 15),
    lines=(
        BillLine("bli-1", Decimal("100.00"), classifications={"chartOfAccountId": "0ca-rent"}),
        BillLine("bli-2", Decimal("25.00"), description="Bullar"),
    ),
    purchase_order_number="PO-7",
    approval_status="APPROVED",
    payment_status="UNPAID",
    approvers=(Approver("006-anna", "APPROVED", 1, datetime(2026, 3, 16, 7, 30, tzinfo=UTC)),),
)

CODES = Codes(
    {
        "chartOfAccountId": {
            "0ca-rent": Classification("0ca-rent", "Rent", number="6100"),
            "0ca-travel": Classification("0ca-travel", "Travel", number="6200"),
        },
        "departmentId": {
            "0de-sales": Classification("0de-sales", "Sales", short_name="S"),
            "0de-depot": Classification("0de-depot", "Depot", short_name="D"),
        },
    }
)


def month(number: int, *, active: bool = True, closed: bool = False) -> FinancialPeriod:
    """A month of 2026 in Visma's calendar."""
    end = date(2026 + number // 12, number % 12 + 1, 1) - timedelta(days=1)
    return FinancialPeriod(f"2026{number:02d}", date(2026, number, 1), end, active, closed)


LISTS = Lists(
    accounts={
        number: Account(number, active=True, allow_manual_entry=True, control=False)
        for number in ("4000", "5010", "5420")
    },
    segments={1: Segment(1, "Avdeling", True, {"000": True, "100": True, "200": True, "900": False})},
    vat_categories={"0": True, "1": True, "21": True, "25": True, "99": False},
    currencies={"SEK": Currency("SEK", 2, True), "EUR": Currency("EUR", 2), "JPY": Currency("JPY", 0)},
    periods=tuple(month(number) for number in range(1, 13)),
)


def mapping(**changes: Any) -> TenantConfig:
    """The tenant with other ``[mapping]`` keys."""
    return replace(CONFIG, mapping=replace(MAPPING, **changes))


def sync(**changes: Any) -> TenantConfig:
    """The tenant with other ``[sync]`` keys."""
    return replace(CONFIG, sync=replace(CONFIG.sync, **changes))


def bill(**changes: Any) -> Bill:
    """The bill with other fields."""
    return replace(BILL, **changes)


def one_line(amount: str = "125.00", **fields: Any) -> Bill:
    """The bill with a single line of the whole amount."""
    return bill(amount=Decimal(amount), lines=(BillLine("bli-1", Decimal(amount), **fields),))


def vendor(**changes: Any) -> Vendor:
    """The vendor with other fields; ``country`` changes the address."""
    if "country" in changes:
        changes["address"] = replace(VENDOR.address, country=changes.pop("country"))
    return replace(VENDOR, **changes)


def visma_lists(**changes: Any) -> Lists:
    """Visma's lists with other ones."""
    return replace(LISTS, **changes)


def draft(
    of: Bill = BILL,
    *,
    by: Vendor = VENDOR,
    config: TenantConfig = CONFIG,
    codes: Codes = CODES,
    visma: Lists = LISTS,
    currency: str | None = None,
    written: WrittenBody | None = None,
    checked: bool = True,
) -> SupplierInvoiceDraft:
    """The supplier invoice of a bill, everything else as usual."""
    return map_supplier_invoice(
        of,
        by,
        supplier_number="50001",
        supplier_currency=currency,
        config=config,
        codes=codes,
        lists=visma,
        written=written,
        checked=checked,
    )


def body(drafted: SupplierInvoiceDraft) -> WrittenBody:
    """The draft as it was written."""
    return WrittenBody(drafted.header, drafted.lines)
