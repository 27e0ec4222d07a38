"""How VAT is written: the document's calculation mode and each line's VAT category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.bill.models import Vendor
from shared.errors import NeedsPerson
from shared.tenants import MappingConfig
from workers.mapping.countries import country_of, find_country


@dataclass(frozen=True, slots=True)
class VatRule:
    """``mode`` is Visma's taxCalculationMode; ``category`` applies where ``by_account`` has none."""

    mode: str
    category: str
    by_account: Mapping[str, str] = field(default_factory=dict)

    def category_of(self, account: str) -> str:
        """The VAT category of a line on a Visma account."""
        return self.by_account.get(account, self.category)


def map_vat(vendor: Vendor, mapping: MappingConfig) -> VatRule:
    """The rule for a vendor's bills.

    Gross: line amounts include VAT. None: Visma computes no VAT of its own, since every line gets the exempt
    category. A foreign vendor's entry may give another ``vat`` and a category in place of the default and of
    the exempt one. Raises NeedsPerson (``foreign_vat``, ``unknown_vat_category``).
    """
    country = find_country(vendor, mapping)
    if country is None:
        code = country_of(vendor)
        raise NeedsPerson(
            "foreign_vat",
            f"vendor {vendor.name} is in {code}, and [mapping.countries] has no entry that covers {code}: "
            f"add [mapping.countries.{code}] to the tenant's file",
        )
    if (country.vat or mapping.vat) == "gross":
        return VatRule("Gross", country.vat_category or mapping.vat_category, mapping.vat_categories)
    category = country.vat_category or mapping.vat_category_exempt
    if category is None:
        raise NeedsPerson("unknown_vat_category", "set mapping.vat_category_exempt in the tenant's file")
    return VatRule("Net", category)
