"""Which fields Visma takes for which document, of what type, and where a read shows them.

Flat names are those of the update DTOs, nested ones dotted (Visma docs: SupplierUpdateDto,
SupplierInvoiceUpdateDto, SupplierInvoiceLineUpdateDto). Visma silently ignores a field it does not
know, so a name that is not in these tables is a mistake of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Type = Literal["text", "bool", "number", "int", "date"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: its type, its path in a read (None where a read never shows it), whether it is bare."""

    type: Type
    read: str | None
    bare: bool = False


Dto = Mapping[str, FieldSpec]

_ADDRESS = ("addressLine1", "addressLine2", "addressLine3", "postalCode", "city")
_CONTACT = ("name", "attention", "email", "web", "phone1", "phone2", "fax")
_GL_ACCOUNTS = (
    "supplierAccount",
    "expenseAccount",
    "expenseAccountNonTax",
    "expenseEUAccount",
    "expenseAccountImport",
)
_GL_SUBACCOUNTS = ("supplierSubaccount", "expenseSubaccount")


def _same(type_: Type, *names: str) -> dict[str, FieldSpec]:
    return {name: FieldSpec(type_, name) for name in names}


def _from(type_: Type, **reads: str) -> dict[str, FieldSpec]:
    return {name: FieldSpec(type_, path) for name, path in reads.items()}


def _unread(type_: Type, *names: str) -> dict[str, FieldSpec]:
    return {name: FieldSpec(type_, None) for name in names}


def _address(name: str) -> dict[str, FieldSpec]:
    plain = {f"{name}.{part}": FieldSpec("text", f"{name}.{part}") for part in _ADDRESS}
    return plain | {
        f"{name}.countryId": FieldSpec("text", f"{name}.country.id"),
        f"{name}.county": FieldSpec("text", f"{name}.county.id"),
    }


def _contact(name: str) -> dict[str, FieldSpec]:
    return {f"{name}.{part}": FieldSpec("text", f"{name}.{part}") for part in _CONTACT}


def _gl_accounts() -> dict[str, FieldSpec]:
    accounts = {f"glAccounts.{n}": FieldSpec("text", f"glAccounts.{n}.number") for n in _GL_ACCOUNTS}
    return accounts | {f"glAccounts.{n}": FieldSpec("text", f"glAccounts.{n}.id") for n in _GL_SUBACCOUNTS}


SUPPLIER: Final[Dto] = {
    **_same("text", "number", "name", "status", "accountReference", "documentLanguage", "currencyId"),
    **_same("text", "cashAccount", "paymentRefDisplayMask", "vatRegistrationId", "corporateId", "note"),
    **_same("text", "naceCode", "retainageCashAccountID", "chargeBearer", "accountUsedForPayment"),
    **_same("text", "paymentBy"),
    **_from("text", supplierClassId="supplierClass.id", creditTermsId="creditTerms.id"),
    **_from("text", vatZoneId="vatZone.id", paymentMethodId="paymentMethod.id"),
    **_from("text", parentRecordNumber="parentRecord.number"),
    **_same("bool", "currencyOverride", "currencyRateOverride", "paySeparately", "retainageApply"),
    **_same("bool", "landedCostSupplier"),
    **_unread("bool", "overrideNumberSeries"),
    "overrideWithClassValues": FieldSpec("bool", None, bare=True),
    **_same("int", "numberOfEmployees", "paymentLeadTime"),
    **_same("number", "retainagePct"),
    **_address("mainAddress"),
    **_address("remitAddress"),
    **_address("supplierAddress"),
    **_contact("mainContact"),
    **_contact("remitContact"),
    **_contact("supplierContact"),
    **_gl_accounts(),
}

SUPPLIER_INVOICE: Final[Dto] = {
    **_same("text", "documentType", "referenceNumber", "postPeriod", "financialPeriod", "currencyId"),
    **_same("text", "supplierReference", "description", "note", "paymentRefNo", "paymentMessage"),
    **_same("text", "cashAccount", "taxCalculationMode"),
    **_from("text", supplierNumber="supplier.number", locationId="location.id"),
    **_from("text", creditTermsId="creditTerms.id", branchNumber="branchNumber.number"),
    **_from("text", supplierTaxZone="supplierTaxZone.id", paymentMethod="paymentMethod.id"),
    **_same("bool", "hold", "paySelected"),
    **_from("bool", applyRetainage="retainageApply"),
    **_unread("bool", "overrideNumberSeries", "validateLineDetails"),
    **_same("number", "exchangeRate", "roundingDiffInCurrency", "amount", "vatAmount"),
    **_same("date", "date", "origInvoiceDate", "dueDate", "cashDiscountDate", "payDate"),
}

SUPPLIER_INVOICE_LINE: Final[Dto] = {
    **_same("text", "inventoryNumber", "externalInventoryId", "transactionDescription", "uom", "note"),
    **_same("text", "deferralCode", "splitHierarchy"),
    **_from("text", accountNumber="account.number", vatCodeId="vatCode.id", projectId="project.id"),
    **_from("text", branchNumber="branchNumber.number", projectTaskId="projectTask.id"),
    **_from("text", prebookAccountNumber="prebookAccount.number"),
    **_same("number", "quantity", "unitCostInCurrency", "costInCurrency", "discountPercent"),
    **_same("number", "discountAmountInCurrency", "discountUnitCostInCurrency", "retainagePct"),
    **_same("number", "curyRetainageAmt"),
    **_same("bool", "manualDiscount"),
    **_unread("bool", "splitLine", "undoSplitLine"),
    **_same("int", "deferralSchedule"),
    **_from("int", projectInternalId="project.internalId", projectTaskInternalId="projectTask.internalId"),
    **_same("date", "termStartDate", "termEndDate"),
}
"""A segment of the subaccount is ``subaccount.<segment>``, in no table; see ``shared.visma.wrapping``."""
