"""Vendor -> supplier, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bill.models import Address, Vendor
from shared.fields import FieldValue
from shared.tenants import CountryMapping, TenantConfig
from tests.unit.workers.samples import CONFIG, MAPPING, VENDOR, mapping, sync, vendor
from workers.mapping.supplier import SETTLED_FIELDS, map_supplier

pytestmark = pytest.mark.unit

NO_COUNTRIES = mapping(countries={})
OTHER = mapping(countries={"OTHER": CountryMapping(supplier_class="9")})
EXACT = mapping(countries={**MAPPING.countries, "DK": CountryMapping(supplier_class="8")})


@pytest.mark.parametrize(
    ("of", "config", "field", "expected"),
    [
        pytest.param(VENDOR, CONFIG, "name", "Café Åkesson & Søn AB", id="name byte for byte"),
        pytest.param(VENDOR, CONFIG, "accountReference", "009-vendor", id="accountReference is the id"),
        pytest.param(VENDOR, CONFIG, "supplierClassId", "1", id="supplier class at home"),
        pytest.param(VENDOR, CONFIG, "vatZoneId", None, id="no VAT zone at home"),
        pytest.param(vendor(country="DK"), CONFIG, "supplierClassId", "2", id="class of the EU entry"),
        pytest.param(vendor(country="DK"), CONFIG, "vatZoneId", "EU", id="VAT zone of the EU entry"),
        pytest.param(vendor(country="dk"), CONFIG, "vatZoneId", "EU", id="country in small letters"),
        pytest.param(vendor(country="DK"), EXACT, "supplierClassId", "8", id="ISO code before EU"),
        pytest.param(vendor(country="NO"), CONFIG, "vatZoneId", "EXP", id="Norway is not in the EU"),
        pytest.param(vendor(country="NO"), CONFIG, "supplierClassId", "1", id="entry without a class"),
        pytest.param(vendor(country="DK"), OTHER, "supplierClassId", "9", id="OTHER after EU"),
        pytest.param(vendor(country="US"), NO_COUNTRIES, "supplierClassId", "1", id="no entry goes through"),
        pytest.param(
            vendor(country="US"), mapping(country=None), "supplierClassId", "1", id="no country set"
        ),
        pytest.param(vendor(bill_currency="EUR"), CONFIG, "currencyId", "EUR", id="currency of the vendor"),
        pytest.param(vendor(bill_currency=None), CONFIG, "currencyId", "SEK", id="else mapping.currency"),
        pytest.param(VENDOR, CONFIG, "corporateId", "556677-8899", id="corporate id as given"),
        pytest.param(VENDOR, CONFIG, "vatRegistrationId", None, id="corporate id is no VAT number"),
        pytest.param(
            vendor(tax_id="DK 12-34 56 78"), CONFIG, "vatRegistrationId", "DK 12-34 56 78", id="VAT as given"
        ),
        pytest.param(vendor(tax_id="DK12345678"), CONFIG, "corporateId", None, id="two letters first: VAT"),
        pytest.param(vendor(tax_id="A1"), CONFIG, "corporateId", "A1", id="one letter: corporate id"),
        pytest.param(vendor(tax_id=None), CONFIG, "corporateId", None, id="no tax id"),
        pytest.param(VENDOR, CONFIG, "creditTermsId", "30", id="credit terms mapped"),
        pytest.param(
            vendor(payment_term_id="0tm-9"), CONFIG, "creditTermsId", None, id="unmapped: the class"
        ),
        pytest.param(vendor(payment_term_id=None), CONFIG, "creditTermsId", None, id="no payment term"),
        pytest.param(VENDOR, CONFIG, "mainAddress.addressLine1", "Storgatan 1", id="address line 1"),
        pytest.param(VENDOR, CONFIG, "mainAddress.addressLine2", "2 tr", id="address line 2"),
        pytest.param(VENDOR, CONFIG, "mainAddress.postalCode", "211 34", id="postal code"),
        pytest.param(VENDOR, CONFIG, "mainAddress.city", "Malmö", id="city"),
        pytest.param(VENDOR, CONFIG, "mainAddress.countryId", "SE", id="country"),
        pytest.param(VENDOR, CONFIG, "mainContact.name", "Café Åkesson & Søn AB", id="contact name"),
        pytest.param(VENDOR, CONFIG, "mainContact.email", "faktura@akesson.example", id="contact email"),
        pytest.param(VENDOR, CONFIG, "mainContact.phone1", "+46 8 123 45", id="contact phone"),
        pytest.param(vendor(archived=True), CONFIG, "status", None, id="archived, leave"),
        pytest.param(
            vendor(archived=True),
            sync(archived_vendors="on_hold"),
            "status",
            "OnHold",
            id="archived, on hold",
        ),
        pytest.param(VENDOR, sync(archived_vendors="on_hold"), "status", "Active", id="restored, on hold"),
    ],
)
def test_each_field(of: Vendor, config: TenantConfig, field: str, expected: FieldValue) -> None:
    assert map_supplier(of, config).fields.get(field) == expected


def test_what_bill_omits_is_not_sent() -> None:
    sparse = Vendor(id="009-x", name="X", address=Address(line1=" ", country="SE"), email="")
    assert set(map_supplier(sparse, CONFIG).fields) == {
        "name",
        "accountReference",
        "supplierClassId",
        "currencyId",
        "mainAddress.countryId",
        "mainContact.name",
    }


def test_bank_details_are_never_copied() -> None:
    changed = replace(VENDOR, payment_digest="another account", account_number="42")
    assert map_supplier(changed, CONFIG) == map_supplier(VENDOR, CONFIG)


def test_settled_fields_are_the_six_of_the_rule() -> None:
    abroad = vendor(country="DK", tax_id="DK12345678")
    known = {*map_supplier(VENDOR, CONFIG).fields, *map_supplier(abroad, CONFIG).fields}
    assert len(SETTLED_FIELDS) == 6
    assert known >= SETTLED_FIELDS


def test_a_name_of_60_is_whole_and_a_longer_one_is_cut_and_noted() -> None:
    exact, longer = map_supplier(vendor(name="å" * 60), CONFIG), map_supplier(vendor(name="å" * 61), CONFIG)
    assert (exact.fields["name"], exact.fields.get("note"), exact.notes) == ("å" * 60, None, ())
    assert (longer.fields["name"], longer.fields["note"]) == ("å" * 60, "å" * 61)
    assert longer.fields["mainContact.name"] == "å" * 61
    assert longer.notes == ("name cut to 60 characters, the whole is in the note",)


@given(st.text(min_size=1).filter(str.strip))
def test_any_name_arrives_byte_for_byte_or_cut_with_the_whole_kept(name: str) -> None:
    fields = map_supplier(vendor(name=name), CONFIG).fields
    shown = str(fields["name"])
    assert name.startswith(shown)
    assert len(shown) <= 60
    assert (fields.get("note") or shown) == name
