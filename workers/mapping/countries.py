"""What a vendor's country changes: ``[mapping.countries]`` by ISO code, then EU, then OTHER."""

from __future__ import annotations

from shared.bill.models import Vendor
from shared.tenants import CountryMapping, MappingConfig

EU_COUNTRIES = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT"}
    | {"LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
"""The member states of the European Union by ISO 3166 code (Greece is GR; EL is only its VAT prefix)."""

HOME = CountryMapping()


def country_of(vendor: Vendor) -> str | None:
    """The vendor's country as a capital ISO code; None when BILL has none."""
    return (vendor.address.country or "").strip().upper() or None


def find_country(vendor: Vendor, mapping: MappingConfig) -> CountryMapping | None:
    """What applies to the vendor: nothing special at home, an entry abroad, None where the entry is missing.

    A vendor without a country, and every vendor of a tenant without ``mapping.country``, is at home.
    """
    country = country_of(vendor)
    if country is None or mapping.country is None or country == mapping.country:
        return HOME
    names = (country, "EU", "OTHER") if country in EU_COUNTRIES else (country, "OTHER")
    return next((mapping.countries[name] for name in names if name in mapping.countries), None)
