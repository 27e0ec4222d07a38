from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import jsontext
from shared.bill.models import Address, Approver, BillLine, Classification, Subscription
from shared.bill.schema_fields import parse_amount, parse_day, parse_timestamp
from shared.bill.schemas import (
    parse_bill,
    parse_classification,
    parse_subscription,
    parse_vendor,
    payment_digest,
)
from shared.errors import Permanent

pytestmark = pytest.mark.unit

MOMENT = datetime(2026, 11, 30, 23, 15, 23, 127000, tzinfo=UTC)

VENDOR: dict[str, Any] = {
    "id": "00901TESTVENDOR00001",
    "name": " Smörgås & Łódź  AB ",
    "archived": False,
    "accountNumber": 77001,
    "email": "",
    "address": {"line1": "Gatan 1", "zipOrPostalCode": "111 22", "city": "Umeå", "country": "SE"},
    "additionalInfo": {"taxId": "556677-8899", "paymentTermId": None, "track1099": False},
    "billCurrency": "SEK",
    "updatedTime": "2026-11-30T23:15:23.127+00:00",
    "someday": {"new": True},
}

BILL: dict[str, Any] = {
    "id": "00n01TESTBILL0000001",
    "vendorId": "00901TESTVENDOR00001",
    "amount": Decimal("1250.50"),
    "dueDate": "2026-12-31",
    "invoice": {"invoiceNumber": 4711, "invoiceDate": "2026-12-01T00:00:00.000Z"},
    "billLineItems": [
        {"id": "bli1", "amount": 1000, "quantity": Decimal("2.5"), "price": 400, "description": "Ost"},
        {
            "amount": Decimal("250.50"),
            "classifications": {"departmentId": "0de1", "jobId": None, "itemId": ""},
        },
    ],
    "classifications": {"chartOfAccountId": "0ca1"},
    "approvalStatus": "APPROVED",
    "approvers": [{"userId": "0061", "status": "APPROVED", "approverOrder": 1}, {}],
    "paidAmount": Decimal("0.0"),
    "updatedTime": "2026-11-30T23:15:23.127+00:00",
}


def test_vendor() -> None:
    vendor = parse_vendor(VENDOR)
    assert vendor.name == " Smörgås & Łódź  AB "
    assert (vendor.account_number, vendor.email, vendor.phone) == ("77001", None, None)
    assert vendor.address == Address(line1="Gatan 1", postal_code="111 22", city="Umeå", country="SE")
    assert (vendor.tax_id, vendor.payment_term_id, vendor.bill_currency) == ("556677-8899", None, "SEK")
    assert (vendor.updated_at, vendor.created_at, vendor.whole) == (MOMENT, None, True)
    assert parse_vendor(VENDOR, whole=False).whole is False


def test_bill() -> None:
    bill = parse_bill(BILL)
    assert (bill.invoice_number, bill.invoice_date, bill.due_date) == (
        "4711",
        date(2026, 12, 1),
        date(2026, 12, 31),
    )
    assert bill.lines == (
        BillLine("bli1", Decimal(1000), Decimal("2.5"), Decimal(400), "Ost"),
        BillLine(None, Decimal("250.50"), classifications={"departmentId": "0de1"}),
    )
    assert bill.approvers == (Approver("0061", "APPROVED", 1), Approver("", "UNDEFINED"))
    assert (bill.amount, bill.paid_amount) == (Decimal("1250.50"), Decimal(0))
    assert (bill.classifications, bill.archived, bill.is_draft) == (
        {"chartOfAccountId": "0ca1"},
        False,
        False,
    )


def test_nulls_are_as_good_as_missing() -> None:
    nulls = dict.fromkeys(
        (
            "archived",
            "address",
            "additionalInfo",
            "billLineItems",
            "invoice",
            "approvers",
            "paidAmount",
            "phone",
        )
    )
    required = {"id": "00n1", "vendorId": "0091", "name": "A", "amount": 1}
    assert parse_vendor(required | nulls) == parse_vendor(required)
    assert parse_bill(required | nulls) == parse_bill(required)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": None}, "id is missing"),
        ({"id": "a b"}, "id is not an id"),
        ({"vendorId": 7}, "vendorId is not an id"),
        ({"amount": None}, "amount is missing"),
        ({"amount": True}, "amount is not a number"),
        ({"amount": "NaN"}, "amount is not a number"),
        ({"amount": Decimal("1e30")}, "amount is not an amount that could be meant"),
        ({"billLineItems": [{"amount": 1}, {"amount": "x"}]}, r"billLineItems\[1\]\.amount is not a number"),
        ({"billLineItems": [{}]}, r"billLineItems\[0\]\.amount is missing"),
        ({"billLineItems": {"amount": 1}}, "billLineItems is not a valid list"),
        ({"invoice": {"invoiceDate": "1 May"}}, r"invoice\.invoiceDate is not a date"),
        ({"invoice": []}, "invoice is invalid input type"),
        ({"dueDate": "2026-02-30"}, "dueDate is "),
        ({"updatedTime": "yesterday"}, "updatedTime is not a time"),
        ({"description": ["x"]}, "description is not a text"),
    ],
)
def test_odd_bill_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(Permanent, match=f"^BILL's bill .*: {path}"):
        parse_bill(BILL | changes)


@pytest.mark.parametrize(
    "body", [[], None, "text", 7, {"name": "A"}, {"id": "0091"}, {"id": "0091", "name": ""}]
)
def test_what_is_no_vendor(body: Any) -> None:
    with pytest.raises(Permanent, match=r"^BILL's vendor"):
        parse_vendor(body)


def test_error_tells_no_content() -> None:
    with pytest.raises(Permanent) as caught:
        parse_bill(BILL | {"amount": "sekrit"})
    assert "sekrit" not in str(caught.value)


def test_payment_digest_sees_what_matters() -> None:
    paid: dict[str, Any] = {
        "paymentInformation": {"payByType": "ACH", "bankAccount": {"accountNumber": "***33", "type": "X"}},
        "bankAccountStatus": "NO_ACCOUNT",
    }
    turned = {
        "bankAccountStatus": "NO_ACCOUNT",
        "paymentInformation": {
            "lastPaymentDate": "2026-01-01",
            "email": None,
            "bankAccount": {"type": "X", "accountNumber": "***33"},
            "payByType": "ACH",
        },
    }
    other = paid | {"paymentInformation": {"payByType": "CHECK"}}
    assert payment_digest(paid) == payment_digest(turned)
    assert payment_digest(paid) not in (None, payment_digest(other))
    assert "***33" not in str(payment_digest(paid))
    assert payment_digest({"id": "1"}) is None
    assert parse_vendor(VENDOR | paid).payment_digest == payment_digest(paid)


def test_classification() -> None:
    account = {
        "id": "0ca1",
        "name": "Kontor",
        "account": {"type": "EXPENSE", "number": 6500},
        "archived": True,
    }
    assert parse_classification(account) == Classification("0ca1", "Kontor", True, None, "6500")
    assert parse_classification({"id": "emp1"}) == Classification("emp1", "")


def test_subscription() -> None:
    body = {
        "id": "7c4b",
        "name": "connector",
        "status": {"enabled": False, "changedBy": "006"},
        "events": [{"type": "bill.created", "version": "1"}],
        "notificationUrl": "https://c.example/hook",
        "securityKey": "sekrit",
    }
    subscription = parse_subscription(body)
    assert subscription == Subscription(
        "7c4b", "https://c.example/hook", False, ("bill.created",), "connector"
    )
    assert "sekrit" not in repr(subscription)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30T23:15:23.127+00:00",
        "2026-11-30T23:15:23.127Z",
        "2026-11-30T23:15:23.127+0000",
        "2026-11-30T23:15:23.127",
        "2026-12-01T01:15:23.127+02:00",
        "2026-12-01T01:15:23.127+02",
    ],
)
def test_timestamp_forms(text: str) -> None:
    assert parse_timestamp(text) == MOMENT
    assert parse_timestamp(text).tzinfo is UTC


def test_shorter_timestamps() -> None:
    assert parse_timestamp("2026-11-30T23:15") == datetime(2026, 11, 30, 23, 15, tzinfo=UTC)
    assert parse_timestamp("2026-11-30") == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "20261130",
        "2026-W01-1",
        "2026-11-30 23:15",
        "2026-13-01",
        "0001-01-01T00:00+14:00",
        "２０２６-11-30",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_timestamp(text)


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_every_written_time_is_read_back(moment: datetime) -> None:
    millis = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_timestamp(millis.isoformat(timespec="milliseconds")) == millis
    assert parse_day(moment.isoformat()) == moment.date()


@given(st.decimals(-(10**15), 10**15, places=4) | st.integers(-(10**15), 10**15))
def test_amounts_survive_json(amount: Decimal | int) -> None:
    text = jsontext.dumps({"amount": amount})
    assert parse_amount(jsontext.loads(text)["amount"]) == amount
    assert parse_amount(str(amount)) == amount


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.text() | st.floats() | st.booleans() | st.none())
def test_an_amount_is_sane_or_refused(value: object) -> None:
    try:
        amount = parse_amount(value)
    except ValueError:
        return
    assert amount.is_finite()
    assert abs(amount) < Decimal("1e21")
    assert amount == 0 or abs(amount) >= Decimal("1e-20")
