"""The read shape: Visma's bare JSON into Visma's records, with the same flat fields as are written.

Empty text counts as none, as Visma shows one or the other. What the sync cannot do without is
``Permanent`` and named when it is missing or odd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from shared.errors import Permanent
from shared.fields import FieldValue
from shared.visma.dtos import SUPPLIER, SUPPLIER_INVOICE, SUPPLIER_INVOICE_LINE
from shared.visma.models import (
    Account,
    Currency,
    FinancialPeriod,
    Page,
    Segment,
    Supplier,
    SupplierInvoice,
    SupplierInvoiceLine,
)
from shared.visma.reading import Reader

T = TypeVar("T")


def strip_etag(text: str | None) -> str | None:
    """An ETag without quotes and ``W/``: the header and the body's ``timeStamp`` become one text."""
    if text is None:
        return None
    return text.strip().removeprefix("W/").strip('"') or None


def parse_supplier(body: object, *, etag: str | None = None) -> Supplier:
    """A supplier; ``etag`` is the answer's header, which wins over the body's ``timeStamp``."""
    read = Reader(body, "supplier")
    number = read.get_text("number")
    read.what = f"supplier {number}"
    return Supplier(
        number=number,
        name=read.find_text("name") or "",
        status=read.get_text("status"),
        account_reference=read.find_text("accountReference"),
        corporate_id=read.find_text("corporateId"),
        vat_registration_id=read.find_text("vatRegistrationId"),
        currency_id=read.find_text("currencyId"),
        etag=_etag(read, etag),
        last_modified=read.find_modified(),
        fields=read.read_fields(SUPPLIER),
        currency_override=read.find("currencyOverride") is True,
    )


def parse_supplier_invoice(body: object, *, etag: str | None = None) -> SupplierInvoice:
    """A supplier invoice with its lines; ``etag`` as in :func:`parse_supplier`."""
    read = Reader(body, "supplier invoice")
    number = read.get_text("referenceNumber")
    read.what = f"supplier invoice {number}"
    return SupplierInvoice(
        document_type=read.get_text("documentType"),
        number=number,
        supplier_number=read.get_text("supplier.number"),
        supplier_reference=read.find_text("supplierReference"),
        status=read.get_text("status"),
        hold=bool(read.find_flag("hold")),
        date=read.find_date("date"),
        currency_id=read.find_text("currencyId"),
        amount=_amount(read),
        balance=_first_number(read, "balanceInCurrency", "balance"),
        note=read.find_text("note"),
        etag=_etag(read, etag),
        last_modified=read.find_modified(),
        fields=read.read_fields(SUPPLIER_INVOICE),
        lines=_lines(read),
    )


def parse_line(body: object, what: str) -> SupplierInvoiceLine:
    """One line of the document named by ``what``."""
    read = Reader(body, what)
    number = read.find_number("lineNumber")
    if number is None:
        raise read.odd("lineNumber")
    amount = _first_number(read, "costInCurrency", "cost")
    if amount is None:
        raise read.odd(f"line {number}: costInCurrency")
    return SupplierInvoiceLine(int(number), amount, read.read_fields(SUPPLIER_INVOICE_LINE) | _segments(read))


def parse_page(body: object, parse: Callable[[object], T], what: str) -> Page[T]:
    """A page of a bare array; one odd record never stops the others."""
    if not isinstance(body, list):
        raise Permanent(f"Visma's list of {what} is not an array")
    results, unusable = [], []
    for item in body:
        try:
            results.append(parse(item))
        except Permanent as error:
            unusable.append(str(error))
    return Page(tuple(results), total_count(body), tuple(unusable))


def total_count(body: Sequence[Any]) -> int:
    """The list's size as the elements' ``metadata`` tells it, else what is there."""
    if not body:
        return 0
    told = Reader(body[0], "list").find("metadata.totalCount") if isinstance(body[0], Mapping) else None
    return told if isinstance(told, int) and told > 0 else len(body)


def parse_account(body: object) -> Account:
    """A general ledger account; one that does not say so may be entered by hand."""
    read = Reader(body, "account")
    number = read.get_text("accountCD")
    manual = read.find_flag("allowManualEntry")
    return Account(
        number=number,
        active=bool(read.find_flag("active")),
        allow_manual_entry=manual is None or manual,
        control=(read.find_text("controlAccountModule") or "None").casefold() != "none",
        description=read.find_text("description"),
    )


def parse_segments(body: object) -> dict[int, Segment]:
    """The segments of the subaccount by their id."""
    read = Reader(body, "dimension")
    segments = [_segment(item) for item in read.find("segments") or ()]
    return {segment.id: segment for segment in segments}


def parse_currency(body: object) -> Currency:
    """A currency."""
    read = Reader(body, "currency")
    precision = read.find_number("decimalPrecision")
    return Currency(
        id=read.get_text("id"),
        precision=2 if precision is None else int(precision),
        is_base=bool(read.find_flag("isBaseCurrency")),
    )


def parse_period(body: object) -> FinancialPeriod:
    """A financial period. Whether Visma's ``endDate`` belongs to it is not documented: kept as given."""
    read = Reader(body, "financial period")
    year, period = read.get_text("year"), read.get_text("period")
    start, end = read.find_date("startDate"), read.find_date("endDate")
    if start is None or end is None:
        raise read.odd("startDate or endDate")
    closed = read.find_flag("closedInSupplierLedger") or read.find_flag("closedInGeneralLedger")
    return FinancialPeriod(
        id=_period_id(year, period),
        start=start,
        end=end,
        active=bool(read.find_flag("active")),
        closed=bool(closed),
    )


def _period_id(year: str, period: str) -> str:
    """``YYYYPP``, also where the period comes as ``PPYYYY`` or ``YYYYPP`` itself."""
    if len(period) == 6:
        period = period.removeprefix(year) if period.startswith(year) else period.removesuffix(year)
    return f"{year}{period:0>2}"


def _segment(item: object) -> Segment:
    read = Reader(item, "segment")
    number = read.find_number("segmentId")
    if number is None:
        raise read.odd("segmentId")
    values = [Reader(value, "segment value") for value in read.find("segmentValues") or ()]
    return Segment(
        id=int(number),
        description=read.find_text("description") or "",
        validate=read.find_flag("validate") is not False,
        values={value.get_text("valueId"): value.find_flag("active") is not False for value in values},
        descriptions={value.get_text("valueId"): value.find_text("description") or "" for value in values},
    )


def _segments(read: Reader) -> dict[str, FieldValue]:
    found: dict[str, FieldValue] = {}
    for item in read.find("subaccount.segments") or ():
        segment = Reader(item, f"{read.what}: segment")
        value = segment.find_text("segmentValue")
        if value is not None:
            found[f"subaccount.{segment.get_text('segmentId')}"] = value
    return found


def _lines(read: Reader) -> tuple[SupplierInvoiceLine, ...]:
    lines = read.find("invoiceLines") or ()
    if not isinstance(lines, list | tuple):
        raise read.odd("invoiceLines")
    return tuple(parse_line(item, f"{read.what}: line") for item in lines)


def _amount(read: Reader) -> Decimal:
    amount = _first_number(read, "amount", "balanceInCurrency")
    if amount is None:
        raise read.odd("amount")
    return amount


def _first_number(read: Reader, *paths: str) -> Decimal | None:
    return next((value for path in paths if (value := read.find_number(path)) is not None), None)


def _etag(read: Reader, header: str | None) -> str:
    etag = strip_etag(header) or strip_etag(read.find_text("timeStamp"))
    if etag is None:
        raise read.odd("timeStamp")
    return etag
