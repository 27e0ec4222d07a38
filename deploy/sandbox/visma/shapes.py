"""Reading Visma's write bodies: scalars wrapped as ``{"value": x}``, everything else ignored.

A body is read into plain values, only for the fields that are there (Visma reference: value wrapper).
A field without its wrapper is ignored, as unknown fields are; a value of the wrong type is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.errors import ModelError

Reader = Callable[[Any, str], Any]
Shape = Mapping[str, Reader]


def read_fields(body: Json, shape: Shape, path: str = "") -> Json:
    """The plain values of the known, correctly wrapped fields; raises ModelError."""
    found: Json = {}
    for name, wrapper in body.items():
        reader = shape.get(name)
        if reader is not None and isinstance(wrapper, dict) and "value" in wrapper:
            value = wrapper["value"]
            found[name] = None if value is None else reader(value, path + name)
    return found


def text(value: Any, path: str) -> str:
    """A string; numbers are taken as their text."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ModelError(path, "a string is expected")
    return str(value)


def number(value: Any, path: str) -> Decimal:
    """A decimal; strings with a dot are taken too, as the documentation's samples send them."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ModelError(path, "a number is expected")
    try:
        result = Decimal(value)
    except InvalidOperation as error:
        raise ModelError(path, f"could not convert '{value}' to a number") from error
    if not result.is_finite():
        raise ModelError(path, f"could not convert '{value}' to a number")
    return result


def integer(value: Any, path: str) -> int:
    """A whole number."""
    result = number(value, path)
    if result != result.to_integral_value():
        raise ModelError(path, f"could not convert '{value}' to an integer")
    return int(result)


def flag(value: Any, path: str) -> bool:
    """A boolean, or its name."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ModelError(path, "a boolean is expected")


def day(value: Any, path: str) -> str:
    """A date or date-time, kept as ``yyyy-MM-dd``; documents have no time of day."""
    if not isinstance(value, str):
        raise ModelError(path, "a date is expected")
    try:
        moment = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    except ValueError as error:
        raise ModelError(path, f"could not convert '{value}' to a date") from error
    return moment.isoformat()[:10]


def choice(*names: str) -> Reader:
    """A reader of an enum; names count only exactly as written."""

    def read(value: Any, path: str) -> str:
        if value not in names:
            raise ModelError(path, f"'{value}' is not one of {', '.join(names)}")
        return str(value)

    return read


def nested(shape: Shape) -> Reader:
    """A reader of an object inside a wrapper, whose own fields are wrapped again."""

    def read(value: Any, path: str) -> Json:
        if not isinstance(value, dict):
            raise ModelError(path, "an object is expected")
        return read_fields(value, shape, path + ".")

    return read


def wrapped(plain: Any) -> Any:
    """Plain fields in the write form, for what a person types into a screen."""
    if isinstance(plain, dict):
        return {"value": {name: wrapped(value) for name, value in plain.items()}}
    return {"value": plain}


_TEXT_OF_ADDRESS = (
    "addressLine1",
    "addressLine2",
    "addressLine3",
    "postalCode",
    "city",
    "countryId",
    "county",
)
_TEXT_OF_CONTACT = ("name", "attention", "email", "web", "phone1", "phone2", "fax")
_TEXT_OF_ACCOUNTS = (
    "supplierAccount",
    "supplierSubaccount",
    "expenseAccount",
    "expenseAccountNonTax",
    "expenseEUAccount",
    "expenseAccountImport",
    "expenseSubaccount",
)
_ADDRESS = nested(dict.fromkeys(_TEXT_OF_ADDRESS, text))
_CONTACT = nested(dict.fromkeys(_TEXT_OF_CONTACT, text))

SUPPLIER: Shape = {
    **dict.fromkeys(
        (
            "number",
            "name",
            "supplierClassId",
            "accountReference",
            "parentRecordNumber",
            "creditTermsId",
            "documentLanguage",
            "currencyId",
            "paymentMethodId",
            "cashAccount",
            "paymentRefDisplayMask",
            "vatRegistrationId",
            "corporateId",
            "vatZoneId",
            "note",
            "naceCode",
        ),
        text,
    ),
    **dict.fromkeys(
        ("overrideNumberSeries", "currencyOverride", "currencyRateOverride", "paySeparately"), flag
    ),
    "status": choice("Active", "OnHold", "HoldPayments", "Inactive", "OneTime"),
    "chargeBearer": choice("Payer", "Beneficiary", "Shared", "ServiceLevel"),
    "accountUsedForPayment": choice("IBAN", "BBAN", "BANKGIRO", "PLUSGIRO"),
    "paymentBy": choice("DueDate", "DiscountDate"),
    "paymentLeadTime": integer,
    "numberOfEmployees": integer,
    "mainAddress": _ADDRESS,
    "remitAddress": _ADDRESS,
    "supplierAddress": _ADDRESS,
    "mainContact": _CONTACT,
    "remitContact": _CONTACT,
    "supplierContact": _CONTACT,
    "glAccounts": nested(dict.fromkeys(_TEXT_OF_ACCOUNTS, text)),
}
"""SupplierUpdateDto (Visma reference: supplier)."""

INVOICE: Shape = {
    "documentType": choice("Invoice", "CreditAdj", "DebitAdj", "Prepayment", "Refund", "Payment"),
    **dict.fromkeys(
        (
            "referenceNumber",
            "supplierNumber",
            "supplierReference",
            "postPeriod",
            "financialPeriod",
            "description",
            "note",
            "paymentRefNo",
            "paymentMessage",
            "locationId",
            "currencyId",
            "creditTermsId",
            "branchNumber",
            "supplierTaxZone",
            "cashAccount",
            "paymentMethod",
        ),
        text,
    ),
    **dict.fromkeys(("date", "origInvoiceDate", "dueDate", "cashDiscountDate", "payDate"), day),
    **dict.fromkeys(("exchangeRate", "roundingDiffInCurrency", "amount", "vatAmount"), number),
    **dict.fromkeys(("hold", "overrideNumberSeries", "paySelected", "applyRetainage"), flag),
    "taxCalculationMode": choice("TaxSetting", "Gross", "Net"),
}
"""SupplierInvoiceUpdateDto without its lists (Visma reference: supplier invoice)."""

LINE: Shape = {
    "lineNumber": integer,
    **dict.fromkeys(
        ("inventoryNumber", "transactionDescription", "uom", "accountNumber", "vatCodeId", "branchNumber"),
        text,
    ),
    **dict.fromkeys(("note", "projectId", "projectTaskId", "deferralCode"), text),
    **dict.fromkeys(
        ("quantity", "unitCostInCurrency", "costInCurrency", "discountPercent", "discountAmountInCurrency"),
        number,
    ),
    **dict.fromkeys(("termStartDate", "termEndDate"), day),
}
"""SupplierInvoiceLineUpdateDto without ``operation`` and ``subaccount``, which have no wrapper."""

TAX_DETAIL: Shape = {"taxId": text, "taxableAmount": number, "vatAmount": number}
