"""What a tenant's mapping is judged by: both systems' lists as they are now, and the bills kept here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import cast

from shared import jsontext
from shared.bill.client import BillClient, ClassificationResource
from shared.bill.models import Bill, Classification
from shared.bill.schemas import parse_bill
from shared.errors import NotFound, Permanent
from shared.store import contents, visma_index
from shared.store.pool import Conn
from shared.store.visma_index import SUPPLIER_TYPE
from shared.tenants import MappingConfig, TenantConfig
from shared.visma.client import VismaClient
from shared.visma.models import Lists
from workers.mapping.check import SetUp
from workers.mapping.codes import ACCOUNT_KEY, RESOURCES, Codes
from workers.mapping.usage import Usage, count_usage


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """Reads one tenant's lists from both systems, past all caches."""

    tenant: TenantConfig
    conn: Conn
    bill: BillClient
    visma: VismaClient

    def fetch_codes(self, keys: Collection[str]) -> Codes:
        """BILL's classification lists behind these keys; a key without a list is left out."""
        return Codes({key: self._fetch_entries(RESOURCES[key]) for key in keys if key in RESOURCES})

    def count_usage(self, keys: Collection[str]) -> Usage:
        """How many of the bills kept here use which classification."""
        return count_usage(self._read_bills(), keys)

    def fetch_set_up(self) -> SetUp:
        """What the company has set up in Visma."""
        return SetUp(
            lists=self.visma.fetch_lists(),
            credit_terms=self.visma.fetch_credit_terms(),
            supplier_classes=self.visma.fetch_supplier_classes(),
            vat_zones=self.visma.fetch_vat_zones(),
            branches=self.visma.fetch_branches(),
            missing_suppliers=self._find_missing_suppliers(),
        )

    def _fetch_entries(self, resource: str) -> dict[str, Classification]:
        found = self.bill.fetch_classifications(cast("ClassificationResource", resource))
        return {entry.id: entry for entry in found}

    def _find_missing_suppliers(self) -> list[str]:
        numbers = sorted(set(self.tenant.mapping.suppliers.values()))
        return [number for number in numbers if not self._has_supplier(number)]

    def _has_supplier(self, number: str) -> bool:
        """Whether Visma has a supplier: as last seen in its list, else asked for."""
        if visma_index.find_entry(self.conn, self.tenant.id, "supplier", SUPPLIER_TYPE, number) is not None:
            return True
        try:
            self.visma.fetch_supplier(number)
        except NotFound:
            return False
        return True

    def _read_bills(self) -> Iterator[Bill]:
        for content in contents.iterate_bills(self.conn, self.tenant.id):
            try:
                yield parse_bill(jsontext.loads(content))
            except Permanent:  # it has a dead letter of its own
                continue


def mapped_keys(mapping: MappingConfig) -> frozenset[str]:
    """BILL's keys of which the mapping makes use."""
    return frozenset({ACCOUNT_KEY, *(segment.source for segment in mapping.segments)})


def suggested_keys(mapping: MappingConfig, lists: Lists) -> frozenset[str]:
    """BILL's keys that suggestions need: every one while a segment of Visma's has no mapping yet."""
    keys = mapped_keys(mapping)
    return keys | RESOURCES.keys() if len(lists.segments) > len(mapping.segments) else keys
