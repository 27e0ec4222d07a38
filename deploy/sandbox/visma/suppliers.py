"""Suppliers: creating, changing, and how reads show them."""

from __future__ import annotations

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.checks import require_known
from deploy.sandbox.visma.company import Company, touch
from deploy.sandbox.visma.errors import BusinessError, not_in_system
from deploy.sandbox.visma.models import Supplier

_COUNTRIES = {"SE": "Sverige", "DK": "Danmark", "NO": "Norge", "FI": "Suomi", "DE": "Tyskland", "US": "USA"}
_NESTED = ("mainAddress", "remitAddress", "supplierAddress", "mainContact", "remitContact", "supplierContact")
_LONGEST_NAME = 60


def create_supplier(company: Company, wanted: Json, details: list[Json], by: str) -> Supplier:
    """Check and add a supplier; raises BusinessError (Visma reference: supplier, numbering)."""
    if not wanted.get("name"):
        raise BusinessError("'Supplier Name' cannot be empty.")
    class_id = wanted.get("supplierClassId") or company.default_supplier_class
    if not class_id:
        raise BusinessError("'Supplier Class' cannot be empty.")
    if class_id not in company.supplier_classes:
        raise not_in_system("VendorClassID", class_id)
    fields = {
        "status": "Active",
        "currencyId": company.base_currency,
        "currencyOverride": False,
        **company.supplier_classes[class_id].get("defaults", {}),
        **wanted,
        "supplierClassId": class_id,
    }
    _check(company, fields)
    number = _number(company, wanted)
    now = company.stamps.next()
    supplier = Supplier(company.next_id(), number, {}, company.versions.next(), now, now)
    supplier.fields = _without_number(fields) | {"details": details}
    company.suppliers.add(number, supplier)
    company.note("created", supplier, by)
    return supplier


def change_supplier(
    company: Company, supplier: Supplier, wanted: Json, details: list[Json] | None, by: str
) -> None:
    """Change the given fields; nested objects field by field. Raises BusinessError."""
    if "name" in wanted and not wanted["name"]:
        raise BusinessError("'Supplier Name' cannot be empty.")
    fields = dict(supplier.fields)
    for name, value in _without_number(wanted).items():
        fields[name] = {**(fields.get(name) or {}), **value} if name in _NESTED and value else value
    if details is not None:
        fields["details"] = details
    _check(company, fields)
    supplier.fields = fields
    touch(company, supplier)
    company.note("updated", supplier, by)


def supplier_json(company: Company, supplier: Supplier) -> Json:
    """SupplierDto without note and metadata, which depend on the question."""
    fields = supplier.fields
    zone = fields.get("vatZoneId")
    shown: Json = {
        "internalId": supplier.id,
        "number": supplier.number,
        "name": fields["name"],
        "status": fields["status"],
        "accountReference": fields.get("accountReference"),
        "parentRecord": None,
        "supplierClass": _named(fields["supplierClassId"], company.supplier_classes),
        "creditTerms": _named(fields.get("creditTermsId"), company.credit_terms),
        "documentLanguage": fields.get("documentLanguage"),
        "currencyId": fields["currencyId"],
        "currencyOverride": fields["currencyOverride"],
        "paymentMethod": _method(company, fields.get("paymentMethodId")),
        "cashAccount": fields.get("cashAccount"),
        "location": {"countryId": company.country, "id": "MAIN", "name": "Primary Location"},
        "vatRegistrationId": fields.get("vatRegistrationId"),
        "corporateId": fields.get("corporateId"),
        "vatZone": {"id": zone, "description": company.vat_zones.get(zone)} if zone else None,
        "attributes": [],
        "supplierPaymentMethodDetails": fields.get("details", []),
        "lastModifiedDateTime": company.local(supplier.modified_at),
        "timeStamp": supplier.version,
        "errorInfo": "",
    }
    for name in ("mainAddress", "remitAddress", "supplierAddress"):
        shown[name] = _address_json(supplier, fields.get(name))
    for name in ("mainContact", "remitContact", "supplierContact"):
        shown[name] = _contact_json(supplier, fields.get(name))
    shown["glAccounts"] = _accounts_json(company, fields.get("glAccounts"))
    return shown


def _check(company: Company, fields: Json) -> None:
    require_known(company.currencies, "CurrencyID", fields.get("currencyId"))
    require_known(company.credit_terms, "TermsID", fields.get("creditTermsId"))
    require_known(company.vat_zones, "TaxZoneID", fields.get("vatZoneId"))
    require_known(company.payment_methods, "PaymentMethodID", fields.get("paymentMethodId"))
    require_known(company.supplier_classes, "VendorClassID", fields.get("supplierClassId"))
    if len(fields["name"]) > _LONGEST_NAME:
        raise BusinessError(f"'Supplier Name' is longer than {_LONGEST_NAME} characters.")


def _number(company: Company, wanted: Json) -> str:
    """A given number counts on a manual series, or with the override and the series' permission."""
    given, override = wanted.get("number"), wanted.get("overrideNumberSeries")
    preferences = company.preferences
    if preferences.manual_supplier_numbers and not given:
        raise BusinessError("'Supplier ID' cannot be empty.")
    if override and given and not preferences.manual_numbers_on_import:
        raise BusinessError("Manual numbering on imports is not allowed for the number series.")
    if not given or not (preferences.manual_supplier_numbers or override):
        return company.next_number("supplier")
    if company.suppliers.get(given) is not None:
        raise BusinessError(f"Supplier '{given}' already exists.")
    return str(given)


def _without_number(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if name not in ("number", "overrideNumberSeries")}


def _named(key: str | None, known: dict[str, Json]) -> Json | None:
    return {"id": key, "description": known.get(key, {}).get("description")} if key else None


def _method(company: Company, key: str | None) -> Json | None:
    return {"id": key, "description": company.payment_methods.get(key)} if key else None


def _address_json(supplier: Supplier, address: Json | None) -> Json:
    found = address or {}
    country, county = found.get("countryId"), found.get("county")
    names = ("addressLine1", "addressLine2", "addressLine3", "postalCode", "city")
    return {
        "addressId": supplier.id + 3000,
        **{name: found.get(name) for name in names},
        "country": {"id": country, "name": _COUNTRIES.get(country, country)} if country else None,
        "county": {"id": county, "name": county} if county else None,
    }


def _contact_json(supplier: Supplier, contact: Json | None) -> Json:
    found = contact or {}
    names = ("name", "attention", "email", "web", "phone1", "phone2", "fax")
    return {"contactId": supplier.id + 2000, **{name: found.get(name) for name in names}}


def _accounts_json(company: Company, accounts: Json | None) -> Json | None:
    if not accounts:
        return None
    shown = {}
    for name, number in accounts.items():
        account = company.accounts.get(number or "")
        shown[name] = {"number": number, "description": account.description if account else None}
    return shown
