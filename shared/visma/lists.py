"""Visma's reference lists of a company: what a mapping is judged against (Visma reference: dimensions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import NotFound, Retryable
from shared.visma.calls import VismaCalls
from shared.visma.models import Account, Currency, FinancialPeriod, Lists, Segment
from shared.visma.reading import Reader
from shared.visma.schemas import parse_account, parse_currency, parse_period, parse_segments, total_count
from shared.visma.suppliers import paging

_PAGE_SIZE: Final = 1000
_MOST_PAGES: Final = 1000
_SUBACCOUNT: Final = "/v1/dimension/{dimension}"


class ListCalls(VismaCalls):
    """Reads of whole lists; each is as of one walk over it."""

    def fetch_lists(self) -> Lists:
        """The lists that a supplier invoice is judged against."""
        return Lists(
            accounts=self.fetch_accounts(),
            segments=self.fetch_segments(),
            vat_categories=self.fetch_vat_categories(),
            currencies=self.fetch_currencies(),
            periods=self.fetch_periods(),
        )

    def fetch_accounts(self) -> Mapping[str, Account]:
        """Every general ledger account by its number, inactive ones too."""
        accounts = [parse_account(item) for item in self._fetch_all("/v1/account")]
        return {account.number: account for account in accounts}

    def fetch_segments(self) -> Mapping[int, Segment]:
        """The subaccount's segments with their values; none where the company has no such dimension."""
        try:
            body, _ = self.fetch(_SUBACCOUNT, "SUBACCOUNT", params={"expandSegmentsValues": "true"})
        except NotFound:
            return {}
        return parse_segments(body)

    def fetch_vat_categories(self) -> Mapping[str, bool]:
        """VAT categories by id, and whether each is active."""
        return self._fetch_flags("/v1/vatCategory", "vatCategoryId", "active")

    def fetch_currencies(self) -> Mapping[str, Currency]:
        """The currencies Visma knows, by ISO code."""
        currencies = [parse_currency(item) for item in self._fetch_all("/v1/currency")]
        return {currency.id: currency for currency in currencies}

    def fetch_periods(self) -> tuple[FinancialPeriod, ...]:
        """The calendar's periods by their start."""
        periods = [parse_period(item) for item in self._fetch_all("/v1/financialPeriod")]
        return tuple(sorted(periods, key=lambda period: period.start))

    def fetch_credit_terms(self) -> Mapping[str, str]:
        """Credit terms by id, with their description."""
        return self._fetch_texts("/v1/creditTerm", "termsId")

    def fetch_vat_zones(self) -> Mapping[str, str]:
        """VAT zones by id, with their description."""
        return self._fetch_texts("/v1/vatZone", "id")

    def fetch_supplier_classes(self) -> Mapping[str, str]:
        """Supplier classes by id, with their description."""
        return self._fetch_texts("/v1/supplier/supplierClass", "id")

    def fetch_branches(self) -> Mapping[str, bool]:
        """Branches by number, and whether each is active."""
        return self._fetch_flags("/v1/branch", "number", "isActive")

    def _fetch_texts(self, route: str, key: str) -> dict[str, str]:
        readers = [Reader(item, route) for item in self._fetch_all(route)]
        return {read.get_text(key): read.find_text("description") or "" for read in readers}

    def _fetch_flags(self, route: str, key: str, flag: str) -> dict[str, bool]:
        readers = [Reader(item, route) for item in self._fetch_all(route)]
        return {read.get_text(key): read.find_flag(flag) is not False for read in readers}

    def _fetch_all(self, route: str) -> list[Any]:
        """All elements: bare arrays tell the list's size in ``metadata``, a few lists in an envelope.

        Some lists ignore paging and give everything at once, again and again.
        """
        found: list[Any] = []
        for page in range(1, _MOST_PAGES + 1):
            body, _ = self.fetch(route, params=paging(page, _PAGE_SIZE))
            items, size = _unpack(body, route)
            if not items or items == found[: len(items)]:
                return found
            found += items
            if len(found) >= size:
                return found
        raise Retryable(f"Visma's list {route} does not end")


def _unpack(body: Any, route: str) -> tuple[list[Any], int]:
    if isinstance(body, list):
        return body, total_count(body)
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list):
        raise Retryable(f"Visma's answer to {route} is no list")
    size = body.get("totalCount")
    return records, size if isinstance(size, int) else len(records)
