from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import jsontext
from shared.errors import Permanent
from shared.fields import Fields, FieldValue
from shared.visma.models import Account, Currency, LineChange
from shared.visma.reading import zoneless
from shared.visma.schemas import (
    parse_account,
    parse_currency,
    parse_page,
    parse_period,
    parse_segments,
    parse_supplier,
    parse_supplier_invoice,
    strip_etag,
)
from shared.visma.wrapping import wrap_invoice_changes, wrap_new_invoice, wrap_supplier

pytestmark = pytest.mark.unit

SUPPLIER: dict[str, Any] = {"number": "50010", "status": "Active", "timeStamp": "AAAB"}
INVOICE: dict[str, Any] = {
    "documentType": "Invoice",
    "referenceNumber": "000123",
    "supplier": {"number": "50010"},
    "status": "Balanced",
    "amount": Decimal("1250.0000"),
    "timeStamp": "AAAB",
}

# Where Visma shows what was written under another name (Visma docs: SupplierDto, SupplierInvoiceDto).
SHOWN_AS = {
    "supplierClassId": ("supplierClass", "id"),
    "creditTermsId": ("creditTerms", "id"),
    "vatZoneId": ("vatZone", "id"),
    "countryId": ("country", "id"),
    "supplierNumber": ("supplier", "number"),
    "accountNumber": ("account", "number"),
    "vatCodeId": ("vatCode", "id"),
    "branchNumber": ("branchNumber", "number"),
}


def as_read(written: dict[str, Any]) -> dict[str, Any]:
    """What Visma shows of what was written: bare values, references as objects."""
    shown: dict[str, Any] = {}
    for name, value in written.items():
        if name == "subaccount":
            shown[name] = {"segments": [item | {"segmentDescription": "Avd"} for item in value]}
        elif name == "invoiceLines":
            shown[name] = [as_read(line) for line in value]
        elif name != "operation":
            bare = value["value"]
            bare = as_read(bare) if isinstance(bare, dict) else bare
            outer, inner = SHOWN_AS.get(name, (name, None))
            shown[outer] = bare if inner is None else {inner: bare, "description": "shown only"}
    parsed: dict[str, Any] = jsontext.loads(jsontext.dumps(shown))
    return parsed


def given_fields(fields: Fields) -> dict[str, FieldValue]:
    return {name: value for name, value in fields.items() if value is not None}


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)
MONEY = st.decimals(-(10**12), 10**12, places=4)
DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31)).map(date.isoformat)


def some_of(**values: st.SearchStrategy[FieldValue]) -> st.SearchStrategy[dict[str, FieldValue]]:
    dotted = {name.replace("__", "."): value for name, value in values.items()}
    return st.fixed_dictionaries({}, optional=dotted)


SUPPLIER_FIELDS = some_of(
    name=TEXTS,
    accountReference=TEXTS,
    supplierClassId=TEXTS,
    creditTermsId=TEXTS | st.none(),
    vatZoneId=TEXTS,
    currencyId=TEXTS,
    corporateId=TEXTS | st.none(),
    vatRegistrationId=TEXTS,
    note=TEXTS,
    paySeparately=st.booleans(),
    mainAddress__addressLine1=TEXTS,
    mainAddress__addressLine2=TEXTS | st.none(),
    mainAddress__postalCode=TEXTS,
    mainAddress__city=TEXTS,
    mainAddress__countryId=TEXTS,
    mainContact__name=TEXTS,
    mainContact__email=TEXTS | st.none(),
    mainContact__phone1=TEXTS,
)
HEADER_FIELDS = some_of(
    supplierReference=TEXTS,
    date=DAYS,
    origInvoiceDate=DAYS,
    dueDate=DAYS | st.none(),
    financialPeriod=st.just("202611"),
    currencyId=TEXTS,
    description=TEXTS,
    note=TEXTS,
    creditTermsId=TEXTS,
    branchNumber=TEXTS,
    hold=st.booleans(),
    paySelected=st.booleans(),
    taxCalculationMode=st.sampled_from(["Gross", "Net"]),
)
LINE_FIELDS = some_of(
    quantity=MONEY,
    unitCostInCurrency=MONEY,
    transactionDescription=TEXTS,
    accountNumber=TEXTS,
    vatCodeId=TEXTS,
    branchNumber=TEXTS,
    subaccount__1=TEXTS,
    subaccount__2=TEXTS,
    subaccount__10=TEXTS,
)


@given(SUPPLIER_FIELDS)
def test_supplier_reads_as_it_was_written(fields: Fields) -> None:
    shown = parse_supplier(SUPPLIER | as_read(wrap_supplier(fields)))
    assert given_fields(fields).items() <= shown.fields.items()
    assert set(shown.fields) - set(fields) <= {"number", "status"}


@given(HEADER_FIELDS, st.lists(LINE_FIELDS, max_size=4))
def test_invoice_reads_as_it_was_written(header: Fields, lines: list[Fields]) -> None:
    body = as_read(wrap_new_invoice(header, lines))
    for line in body.get("invoiceLines", ()):
        line["costInCurrency"] = Decimal(1)
    shown = parse_supplier_invoice(INVOICE | body)
    assert given_fields(header).items() <= shown.fields.items()
    assert [line.number for line in shown.lines] == list(range(1, len(lines) + 1))
    for written, line in zip(lines, shown.lines, strict=True):
        assert dict(line.fields) == {**written, "costInCurrency": Decimal(1)}


def test_written_shape() -> None:
    wrapped = wrap_new_invoice(
        {"documentType": "Invoice", "hold": False, "date": "2026-11-15", "dueDate": None},
        [{"quantity": Decimal("1E+1"), "subaccount.2": "300", "accountNumber": "4000", "subaccount.1": "10"}],
    )
    assert jsontext.dumps(wrapped) == (
        '{"documentType":{"value":"Invoice"},"hold":{"value":false},"date":{"value":"2026-11-15T00:00:00"},'
        '"dueDate":{"value":null},"invoiceLines":[{"operation":"Insert","lineNumber":{"value":1},'
        '"quantity":{"value":10},"accountNumber":{"value":"4000"},'
        '"subaccount":[{"segmentId":1,"segmentValue":"10"},{"segmentId":2,"segmentValue":"300"}]}]}'
    )


def test_changes_name_their_line() -> None:
    wrapped = wrap_invoice_changes(
        {},
        [
            LineChange("Update", 2, {"quantity": Decimal("1.50")}),
            LineChange("Delete", 3, {}),
            LineChange("Insert", None, {"vatCodeId": "25"}),
        ],
    )
    assert wrapped["invoiceLines"] == [
        {"operation": "Update", "lineNumber": {"value": 2}, "quantity": {"value": Decimal("1.50")}},
        {"operation": "Delete", "lineNumber": {"value": 3}},
        {"operation": "Insert", "vatCodeId": {"value": "25"}},
    ]
    with pytest.raises(ValueError, match="needs its number"):
        wrap_invoice_changes({}, [LineChange("Delete", None, {})])


def test_nested_and_bare_fields() -> None:
    fields: Fields = {
        "mainAddress.city": "Umeå",
        "mainAddress.countryId": "SE",
        "overrideWithClassValues": True,
    }
    assert wrap_supplier(fields) == {
        "mainAddress": {"value": {"city": {"value": "Umeå"}, "countryId": {"value": "SE"}}},
        "overrideWithClassValues": True,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"mainAddress.country": "SE"},
        {"supplierClass": "1"},
        {"subaccount.1": "100"},
        {"name": Decimal(1)},
        {"paySeparately": "yes"},
        {"retainagePct": Decimal("NaN")},
        {"paymentLeadTime": Decimal("1.5")},
        {"": "x"},
    ],
)
def test_a_field_visma_would_ignore_is_our_mistake(fields: Fields) -> None:
    with pytest.raises(ValueError, match=r".*"):
        wrap_supplier(fields)


@pytest.mark.parametrize(
    "line", [{"subaccount.0": "1"}, {"subaccount.1": None}, {"subaccount.1": ""}, {"account": "4000"}]
)
def test_a_line_field_visma_would_ignore_is_our_mistake(line: Fields) -> None:
    with pytest.raises(ValueError, match=r".*"):
        wrap_new_invoice({}, [line])


@pytest.mark.parametrize("header", [{"documentTypeId": "DebitAdj"}, {"date": "15.11.2026"}, {"dueDate": ""}])
def test_a_header_field_visma_would_ignore_is_our_mistake(header: Fields) -> None:
    with pytest.raises(ValueError, match=r".*"):
        wrap_new_invoice(header, [])


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-15",
        "2026-11-15T00:00:00",
        "2026-11-15T00:00:00.127",
        "2026-11-15T00:00:00Z",
        "2026-11-15T00:00:00+01:00",
    ],
)
def test_date_forms(text: str) -> None:
    invoice = parse_supplier_invoice(INVOICE | {"date": text})
    assert (invoice.date, invoice.fields["date"]) == (date(2026, 11, 15), "2026-11-15")


def test_read_supplier() -> None:
    body = SUPPLIER | {
        "name": "Bröd AB",
        "currencyOverride": True,
        "accountReference": "",
        "corporateId": 5566778899,
        "mainAddress": {"country": {"id": "SE"}, "city": None, "county": {"id": ""}},
        "numberOfEmployees": "odd",
        "lastModifiedDateTime": "2026-11-20T09:14:03.1279999+01:00",
    }
    supplier = parse_supplier(body, etag='W/"FROMHEADER="')
    assert (supplier.etag, supplier.last_modified) == ("FROMHEADER=", "2026-11-20T09:14:03.1279999")
    assert (supplier.account_reference, supplier.corporate_id) == (None, "5566778899")
    assert supplier.currency_override
    assert supplier.fields == {
        "number": "50010",
        "name": "Bröd AB",
        "status": "Active",
        "corporateId": "5566778899",
        "mainAddress.countryId": "SE",
        "currencyOverride": True,
    }


def test_read_invoice_amounts_and_state() -> None:
    open_one = parse_supplier_invoice(INVOICE | {"status": "Open", "balance": 1, "balanceInCurrency": "2.50"})
    assert (open_one.amount, open_one.balance) == (Decimal(1250), Decimal("2.50"))
    assert open_one.is_released
    without = {key: value for key, value in INVOICE.items() if key != "amount"}
    assert parse_supplier_invoice(without | {"balanceInCurrency": 7, "hold": True}).amount == 7


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"referenceNumber": ""}, "supplier invoice has no referenceNumber"),
        ({"supplier": None}, r"supplier invoice 000123 has no supplier\.number"),
        ({"amount": Decimal("1e40")}, "supplier invoice 000123 has an odd amount"),
        ({"amount": None}, "supplier invoice 000123 has an odd amount"),
        ({"timeStamp": None}, "supplier invoice 000123 has an odd timeStamp"),
        ({"date": "2026-02-30"}, "supplier invoice 000123 has an odd date"),
        ({"invoiceLines": "x"}, "supplier invoice 000123 has an odd invoiceLines"),
        ({"invoiceLines": [{"lineNumber": 1}]}, r"supplier invoice 000123: line has an odd .*cost"),
        ({"invoiceLines": [7]}, "supplier invoice 000123: line is not an object"),
    ],
)
def test_odd_invoice_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        parse_supplier_invoice(INVOICE | changes)


def test_one_odd_record_never_stops_a_page() -> None:
    told = {"metadata": {"totalCount": 350, "maxPageSize": 500}}
    page = parse_page([SUPPLIER | told, {"number": "50011"}, None], parse_supplier, "suppliers")
    assert [supplier.number for supplier in page.results] == ["50010"]
    assert page.total_count == 350
    assert page.unusable == ("Visma's supplier 50011 has no status", "Visma's supplier is not an object")
    assert parse_page([], parse_supplier, "suppliers").total_count == 0
    with pytest.raises(Permanent, match="not an array"):
        parse_page({"value": []}, parse_supplier, "suppliers")


def test_reference_lists() -> None:
    assert parse_account({"accountCD": "4000", "active": True}).is_postable
    control = {"accountCD": "2400", "active": True, "controlAccountModule": "AP", "allowManualEntry": False}
    assert parse_account(control) == Account("2400", True, False, True)
    assert parse_currency({"id": "JPY", "decimalPrecision": 0}) == Currency("JPY", 0)
    segments = parse_segments(
        {
            "segments": [
                {
                    "segmentId": 1,
                    "description": "Avd",
                    "validate": False,
                    "segmentValues": [
                        {"valueId": "100", "description": "Nord", "active": True},
                        {"valueId": 200, "active": False},
                    ],
                }
            ]
        }
    )
    assert (segments[1].values, segments[1].validate) == ({"100": True, "200": False}, False)
    assert segments[1].descriptions == {"100": "Nord", "200": ""}


@pytest.mark.parametrize("period", ["05", "5", 5, "052026", "202605"])
def test_period(period: object) -> None:
    body = {
        "year": 2026,
        "period": period,
        "startDate": "2026-05-01T00:00:00",
        "endDate": "2026-06-01T00:00:00",
        "active": True,
        "closedInGeneralLedger": True,
    }
    parsed = parse_period(body)
    assert (parsed.id, parsed.start, parsed.end) == ("202605", date(2026, 5, 1), date(2026, 6, 1))
    assert not parsed.is_open
    assert parse_period(body | {"closedInGeneralLedger": False}).is_open


@pytest.mark.parametrize(
    ("text", "etag"),
    [
        ('"AAAB="', "AAAB="),
        ("AAAB=", "AAAB="),
        ('W/"AAAB="', "AAAB="),
        ("", None),
        ('""', None),
        (None, None),
    ],
)
def test_strip_etag(text: str | None, etag: str | None) -> None:
    assert strip_etag(text) == etag


@pytest.mark.parametrize("zone", ["", "Z", "+01:00", "-0500"])
def test_zoneless(zone: str) -> None:
    for time in ("2026-11-20T09:14:03", "2026-11-20T09:14:03.127", "2026-11-20 09:14:03"):
        assert zoneless(time + zone) == time
    assert zoneless("2026-11-20") == "2026-11-20"
