"""BILL's JSON into BILL's records (``shared.bill.models``).

Unknown fields are ignored and missing ones are as good as null, which BILL omits. What the sync
cannot do without, missing or odd, is ``Permanent`` and named by its path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load

from shared import jsontext
from shared.bill.models import Address, Approver, Bill, BillLine, Classification, Subscription, Vendor
from shared.bill.schema_fields import Amount, Day, Identifier, Ids, Name, Text, Timestamp
from shared.errors import Permanent

T = TypeVar("T")

_VOLATILE = frozenset({"lastPaymentDate"})


class _Record(Schema):
    class Meta:
        unknown = EXCLUDE

    @pre_load
    def drop_nulls(self, data: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}


class _AddressSchema(_Record):
    line1 = Text()
    line2 = Text()
    city = Text()
    state_or_province = Text(data_key="stateOrProvince")
    postal_code = Text(data_key="zipOrPostalCode")
    country = Text()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Address:
        return Address(**data)


class _AdditionalInfoSchema(_Record):
    tax_id = Text(data_key="taxId")
    payment_term_id = Text(data_key="paymentTermId")


class _VendorSchema(_Record):
    id = Identifier(required=True)
    name = Name(required=True)
    archived = fields.Boolean()
    short_name = Text(data_key="shortName")
    account_number = Text(data_key="accountNumber")
    email = Text()
    phone = Text()
    address = fields.Nested(_AddressSchema)
    additional_info = fields.Nested(_AdditionalInfoSchema, data_key="additionalInfo")
    bill_currency = Text(data_key="billCurrency")
    created_at = Timestamp(data_key="createdTime")
    updated_at = Timestamp(data_key="updatedTime")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Vendor:
        return Vendor(**data.pop("additional_info", {}), **data)


class _BillLineSchema(_Record):
    id = Identifier(load_default=None)
    amount = Amount(required=True)
    quantity = Amount()
    price = Amount()
    description = Text()
    classifications = Ids()

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> BillLine:
        return BillLine(**data)


class _ApproverSchema(_Record):
    user_id = Text(data_key="userId", load_default="")
    status = Text(load_default="UNDEFINED")
    order = fields.Integer(data_key="approverOrder")
    status_changed_at = Timestamp(data_key="statusChangedTime")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Approver:
        return Approver(**data)


class _InvoiceSchema(_Record):
    invoice_number = Text(data_key="invoiceNumber")
    invoice_date = Day(data_key="invoiceDate")


class _BillSchema(_Record):
    id = Identifier(required=True)
    vendor_id = Identifier(required=True, data_key="vendorId")
    amount = Amount(required=True)
    vendor_name = Text(data_key="vendorName")
    archived = fields.Boolean()
    record_status = Text(data_key="recordStatus")
    description = Text()
    due_date = Day(data_key="dueDate")
    invoice = fields.Nested(_InvoiceSchema)
    lines = fields.List(fields.Nested(_BillLineSchema), data_key="billLineItems")
    classifications = Ids()
    purchase_order_number = Text(data_key="purchaseOrderNumber")
    payment_status = Text(data_key="paymentStatus")
    approval_status = Text(data_key="approvalStatus")
    approvers = fields.List(fields.Nested(_ApproverSchema))
    paid_amount = Amount(data_key="paidAmount")
    scheduled_amount = Amount(data_key="scheduledAmount")
    created_at = Timestamp(data_key="createdTime")
    updated_at = Timestamp(data_key="updatedTime")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Bill:
        lines, approvers = tuple(data.pop("lines", ())), tuple(data.pop("approvers", ()))
        return Bill(**data.pop("invoice", {}), **data, lines=lines, approvers=approvers)


class _AccountSchema(_Record):
    number = Text()


class _ClassificationSchema(_Record):
    id = Identifier(required=True)
    name = Text(load_default="")
    archived = fields.Boolean()
    short_name = Text(data_key="shortName")
    account = fields.Nested(_AccountSchema)

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Classification:
        name = data.pop("name") or ""
        return Classification(name=name, **data.pop("account", {}), **data)


class _StatusSchema(_Record):
    enabled = fields.Boolean(required=True)


class _EventTypeSchema(_Record):
    type = Name(required=True)


class _SubscriptionSchema(_Record):
    id = Identifier(required=True)
    name = Text()
    notification_url = Name(required=True, data_key="notificationUrl")
    status = fields.Nested(_StatusSchema, required=True)
    events = fields.List(fields.Nested(_EventTypeSchema), load_default=list)
    created_at = Timestamp(data_key="createdTime")

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> Subscription:
        status, events = data.pop("status"), data.pop("events")
        types = tuple(event["type"] for event in events)
        return Subscription(enabled=status["enabled"], event_types=types, **data)


_VENDOR, _BILL = _VendorSchema(), _BillSchema()
_CLASSIFICATION, _SUBSCRIPTION = _ClassificationSchema(), _SubscriptionSchema()


def parse_vendor(body: Mapping[str, Any], *, whole: bool = True) -> Vendor:
    """A vendor from an answer or, with ``whole=False``, from a notification; ``Permanent`` if it is none."""
    vendor = _load(_VENDOR, body, "vendor", Vendor)
    return replace(vendor, payment_digest=payment_digest(body), whole=whole)


def parse_bill(body: Mapping[str, Any]) -> Bill:
    """A bill from an answer, with its lines; ``Permanent`` if it is none."""
    return _load(_BILL, body, "bill", Bill)


def parse_classification(body: Mapping[str, Any]) -> Classification:
    """An entry of a classification list; ``Permanent`` if it is none."""
    return _load(_CLASSIFICATION, body, "classification", Classification)


def parse_subscription(body: Mapping[str, Any]) -> Subscription:
    """A webhook subscription; ``Permanent`` if it is none."""
    return _load(_SUBSCRIPTION, body, "subscription", Subscription)


def payment_digest(body: Mapping[str, Any]) -> str | None:
    """A digest of how a vendor is paid, None where BILL tells nothing of it.

    The same details give the same digest in any order of keys; the date of the last payment is no
    detail of how.
    """
    details = {
        key: body[key] for key in ("paymentInformation", "bankAccountStatus") if body.get(key) is not None
    }
    if not details:
        return None
    return hashlib.sha256(jsontext.dumps(_canonical(details)).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _canonical(value[key])
            for key in sorted(value)
            if key not in _VOLATILE and value[key] is not None
        }
    return [_canonical(item) for item in value] if isinstance(value, list) else value


def _load(schema: Schema, body: Mapping[str, Any], what: str, kind: type[T]) -> T:
    try:
        loaded = schema.load(body)
    except ValidationError as error:
        path, problem = _first(error.messages)
        raise Permanent(f"BILL's {what} {_named(body)}: {path or what} is {problem}") from None
    if not isinstance(loaded, kind):
        raise TypeError(f"{type(schema).__name__} makes no {kind.__name__}")
    return loaded


def _first(messages: Any, path: str = "") -> tuple[str, str]:
    """The first problem in marshmallow's nested messages, with its path as ``lines[2].amount``."""
    if isinstance(messages, dict):
        key, rest = next(iter(messages.items()))
        if key == "_schema":
            return _first(rest, path)
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
        return _first(rest, path + step)
    text = str(messages[0]) if isinstance(messages, list) and messages else str(messages)
    return path, {"Missing data for required field.": "missing"}.get(text, text.rstrip(".").lower())


def _named(body: object) -> str:
    given = body.get("id") if isinstance(body, Mapping) else None
    return given if isinstance(given, str) and len(given) <= 64 else "without an id"
