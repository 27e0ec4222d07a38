"""Suppliers at Visma (Visma reference: supplier)."""

from __future__ import annotations

from typing import Final

from shared.fields import Fields
from shared.visma.calls import VismaCalls
from shared.visma.models import Page, Supplier, Written
from shared.visma.reading import zoneless
from shared.visma.schemas import parse_page, parse_supplier
from shared.visma.wrapping import wrap_supplier

PAGE_SIZE: Final = 500
WITH_NOTE: Final = {"expandNote": "true"}
"""Notes are shown on request only; whether a read of one record needs that, too, is not documented."""

_LIST: Final = "/v1/supplier"
_ONE: Final = "/v1/supplier/{number}"


class SupplierCalls(VismaCalls):
    """Reads and writes of suppliers. There is no deleting one."""

    def list_suppliers(
        self, *, modified_since: str | None = None, page: int = 1, page_size: int = PAGE_SIZE
    ) -> Page[Supplier]:
        """One page, in no order, notes included; past the end it is empty.

        ``modified_since`` is Visma's own text and inclusive.
        """
        params = paging(page, page_size) | since(modified_since) | WITH_NOTE
        body, _ = self.fetch(_LIST, params=params)
        return parse_page(body, parse_supplier, "suppliers")

    def find_suppliers(
        self,
        *,
        name: str | None = None,
        corporate_id: str | None = None,
        vat_registration_id: str | None = None,
        page: int = 1,
        page_size: int = PAGE_SIZE,
    ) -> Page[Supplier]:
        """Candidates by Visma's own filters; compare them yourself, a filter may be ignored silently."""
        wanted = {"name": name, "corporateId": corporate_id, "vatRegistrationId": vat_registration_id}
        params = paging(page, page_size) | {key: value for key, value in wanted.items() if value}
        body, _ = self.fetch(_LIST, params=params)
        return parse_page(body, parse_supplier, "suppliers")

    def fetch_supplier(self, number: str) -> Supplier:
        """A supplier with its ETag; ``NotFound`` for an unknown number."""
        body, etag = self.fetch(_ONE, number, params=WITH_NOTE)
        return parse_supplier(body, etag=etag)

    def create_supplier(self, fields: Fields) -> Written:
        """A new supplier; ``Refused`` with Visma's words, ``OutcomeUnknown`` when the answer is lost."""
        return self.create(_LIST, wrap_supplier(fields))

    def update_supplier(self, number: str, fields: Fields, etag: str | None) -> Written:
        """Change the given fields, None clears one; ``PreconditionFailed`` on a stale ``etag``."""
        return self.update(_ONE, number, body=wrap_supplier(fields), etag=etag)


def paging(page: int, page_size: int) -> dict[str, str]:
    """The parameters of a page, counted from 1 (Visma docs: pagination)."""
    return {"pageNumber": str(page), "pageSize": str(page_size)}


def since(modified_since: str | None) -> dict[str, str]:
    """Both parameters of the filter by time of change; it takes no zone (Visma docs: conditions)."""
    if modified_since is None:
        return {}
    return {"lastModifiedDateTime": zoneless(modified_since), "lastModifiedDateTimeCondition": ">="}
