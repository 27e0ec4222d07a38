"""Which of Visma's suppliers a vendor is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.bill.models import Vendor
from shared.errors import NeedsPerson
from shared.tenants import TenantConfig
from workers.mapping.keys import fold_name, number_keys


@dataclass(frozen=True, slots=True)
class IndexedSupplier:
    """A supplier as ``visma_index`` keeps it.

    ``name_key`` is ``fold_name`` of the name, ``corporate_ids`` and ``vat_ids`` are ``number_keys`` of the
    numbers, ``linked_vendor`` is the BILL id of the vendor that is linked to it.
    """

    number: str
    name: str
    name_key: str = ""
    corporate_ids: frozenset[str] = frozenset()
    vat_ids: frozenset[str] = frozenset()
    account_reference: str | None = None
    linked_vendor: str | None = None
    status: str | None = None
    currency_id: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The supplier's number and how it was found; both None when no supplier is this vendor."""

    number: str | None = None
    how: str | None = None


NO_MATCH = Match()
_WORDS = {
    "account_reference": "the vendor's BILL id as account reference",
    "corporate_id": "the vendor's number as corporate id",
    "vat_registration_id": "the vendor's number as VAT registration",
}


def match_by_hand(vendor_id: str, config: TenantConfig, linked_number: str | None) -> Match:
    """The supplier that a person named: in the tenant's file, else by the command, ``linked_number``."""
    in_file = config.mapping.suppliers.get(vendor_id)
    if in_file is not None:
        return Match(in_file, "mapping.suppliers")
    return Match(linked_number, "connector link") if linked_number is not None else NO_MATCH


def match_supplier(
    vendor: Vendor,
    candidates: Iterable[IndexedSupplier],
    config: TenantConfig,
    *,
    linked_number: str | None = None,
) -> Match:
    """The supplier for a vendor: by hand (see ``match_by_hand``), else by the first key that hits.

    Keys are tried in the order of ``sync.match_suppliers_by``; the order of candidates does not matter.
    Raises NeedsPerson: ``ambiguous_supplier`` on several hits, or where a name agrees and a number does not;
    ``supplier_taken`` where a number hits a supplier that another vendor is linked to. A link by hand is
    followed even then: a person said so.
    """
    by_hand = match_by_hand(vendor.id, config, linked_number)
    if by_hand.number is not None:
        return by_hand
    suppliers = sorted({supplier.number: supplier for supplier in candidates}.values(), key=_number)
    for key in config.sync.match_suppliers_by:
        find = _match_by_name if key == "name" else _match_by_number
        number = find(vendor, suppliers, key)
        if number is not None:
            return Match(number, key)
    return NO_MATCH


def _match_by_number(vendor: Vendor, suppliers: list[IndexedSupplier], key: str) -> str | None:
    hits = _HITS[key](vendor, suppliers)
    if not hits:
        return None
    if len(hits) > 1:
        raise _ambiguous(vendor, hits, f"several suppliers have {_WORDS[key]}")
    taken_by = hits[0].linked_vendor
    if taken_by is not None and taken_by != vendor.id:
        raise NeedsPerson(
            "supplier_taken",
            f"supplier {_describe(hits[0])} has {_WORDS[key]}, but vendor {taken_by} is linked to it: "
            f"correct the number in BILL or Visma, or link {vendor.id} to a supplier by hand",
        )
    return hits[0].number


def _match_by_name(vendor: Vendor, suppliers: list[IndexedSupplier], _key: str) -> str | None:
    name = fold_name(vendor.name)
    free = [supplier for supplier in suppliers if supplier.linked_vendor in {None, vendor.id}]
    hits = [supplier for supplier in free if name and supplier.name_key == name]
    if not hits:
        return None
    if len(hits) > 1:
        raise _ambiguous(vendor, hits, "several suppliers have the vendor's name")
    if _is_contradicted(vendor, hits[0]):
        raise _ambiguous(vendor, hits, f"the name agrees, but not the number {vendor.tax_id}")
    return hits[0].number


def _is_contradicted(vendor: Vendor, supplier: IndexedSupplier) -> bool:
    ours, theirs = number_keys(vendor.tax_id), supplier.corporate_ids | supplier.vat_ids
    return bool(ours) and bool(theirs) and not ours & theirs


def _by_account_reference(vendor: Vendor, suppliers: list[IndexedSupplier]) -> list[IndexedSupplier]:
    return [supplier for supplier in suppliers if (supplier.account_reference or "").strip() == vendor.id]


def _by_corporate_id(vendor: Vendor, suppliers: list[IndexedSupplier]) -> list[IndexedSupplier]:
    keys = number_keys(vendor.tax_id)
    return [supplier for supplier in suppliers if keys & supplier.corporate_ids]


def _by_vat_registration_id(vendor: Vendor, suppliers: list[IndexedSupplier]) -> list[IndexedSupplier]:
    keys = number_keys(vendor.tax_id)
    return [supplier for supplier in suppliers if keys & supplier.vat_ids]


_HITS: dict[str, Callable[[Vendor, list[IndexedSupplier]], list[IndexedSupplier]]] = {
    "account_reference": _by_account_reference,
    "corporate_id": _by_corporate_id,
    "vat_registration_id": _by_vat_registration_id,
}


def _ambiguous(vendor: Vendor, hits: list[IndexedSupplier], why: str) -> NeedsPerson:
    listed = ", ".join(_describe(supplier) for supplier in hits)
    return NeedsPerson(
        "ambiguous_supplier",
        f"{why}: {listed}; link {vendor.id} to the right one by hand, or correct the number or name",
    )


def _describe(supplier: IndexedSupplier) -> str:
    numbers = "/".join(sorted(supplier.corporate_ids | supplier.vat_ids))
    return f"{supplier.number} ({supplier.name}{', ' + numbers if numbers else ''})"


def _number(supplier: IndexedSupplier) -> str:
    return supplier.number
