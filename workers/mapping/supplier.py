"""A BILL vendor as the Visma supplier it becomes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.bill.models import Vendor
from shared.fields import Fields
from shared.tenants import TenantConfig
from workers.mapping.countries import HOME, country_of, find_country
from workers.mapping.text import NAME_LIMIT, cut, is_blank

SETTLED_FIELDS = frozenset(
    {"supplierClassId", "vatZoneId", "currencyId", "creditTermsId", "corporateId", "vatRegistrationId"}
)
"""Written on create, or where Visma's is empty; a later difference is only noted."""

CLEARABLE_FIELDS = frozenset(
    {
        "mainAddress.addressLine1",
        "mainAddress.addressLine2",
        "mainAddress.postalCode",
        "mainAddress.city",
        "mainContact.email",
        "mainContact.phone1",
        "note",
    }
)
"""Cleared in Visma when we wrote them and BILL no longer has them."""

_VAT_NUMBER = re.compile(r"\s*[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class SupplierDraft:
    """What Visma is to show for a vendor; what BILL omits is absent. ``notes`` are for the history."""

    fields: Fields
    notes: tuple[str, ...] = ()


def map_supplier(vendor: Vendor, config: TenantConfig) -> SupplierDraft:
    """The supplier for a vendor. Bank details are never part of it.

    A vendor from a country without an entry goes through as one from home; its bills are held.
    """
    name = cut(vendor.name, NAME_LIMIT)
    fields = {
        "name": name,
        "accountReference": vendor.id,
        **_settled(vendor, config),
        "mainAddress.addressLine1": vendor.address.line1,
        "mainAddress.addressLine2": vendor.address.line2,
        "mainAddress.postalCode": vendor.address.postal_code,
        "mainAddress.city": vendor.address.city,
        "mainAddress.countryId": country_of(vendor),
        "mainContact.name": vendor.name,
        "mainContact.email": vendor.email,
        "mainContact.phone1": vendor.phone,
        "status": _status(vendor, config),
        "note": None if name == vendor.name else vendor.name,
    }
    notes = () if name == vendor.name else (f"name cut to {len(name)} characters, the whole is in the note",)
    return SupplierDraft({key: value for key, value in fields.items() if not is_blank(value)}, notes)


def map_currency(vendor: Vendor, config: TenantConfig) -> str:
    """The vendor's currency, which its bills are in too (BILL reference: bills carry no currency)."""
    return (vendor.bill_currency or "").strip() or config.mapping.currency


def map_credit_terms(vendor: Vendor, config: TenantConfig) -> str | None:
    """The vendor's credit terms; unmapped ones are left to the supplier class."""
    return config.mapping.credit_terms.get(vendor.payment_term_id or "")


def _settled(vendor: Vendor, config: TenantConfig) -> dict[str, str | None]:
    country = find_country(vendor, config.mapping) or HOME
    tax_id = vendor.tax_id or ""
    is_vat_number = _VAT_NUMBER.match(tax_id) is not None
    return {
        "supplierClassId": country.supplier_class or config.mapping.supplier_class,
        "vatZoneId": country.vat_zone,
        "currencyId": map_currency(vendor, config),
        "creditTermsId": map_credit_terms(vendor, config),
        "corporateId": None if is_vat_number else tax_id,
        "vatRegistrationId": tax_id if is_vat_number else None,
    }


def _status(vendor: Vendor, config: TenantConfig) -> str | None:
    if config.sync.archived_vendors == "leave":
        return None
    return "OnHold" if vendor.archived else "Active"
