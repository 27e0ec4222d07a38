"""BILL's classification lists: what an id on a bill or a line stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.bill.models import Bill, BillLine, Classification

RESOURCES: Mapping[str, str] = {
    "chartOfAccountId": "chart-of-accounts",
    "accountingClassId": "accounting-classes",
    "departmentId": "departments",
    "locationId": "locations",
    "itemId": "items",
    "jobId": "jobs",
    "employeeId": "employees",
}
"""Which list of ``/v3/classifications`` a key's ids stand in (BILL reference: classifications).

``customerId`` has none there: it can be mapped by id alone.
"""

ACCOUNT_KEY = "chartOfAccountId"


@dataclass(frozen=True, slots=True)
class Codes:
    """Classifications by BILL's key, then by id: ``{"chartOfAccountId": {"0ca...": Classification}}``."""

    by_key: Mapping[str, Mapping[str, Classification]] = field(default_factory=dict)

    def find(self, key: str, code_id: str) -> Classification | None:
        """The classification behind an id, if its list is loaded and has it."""
        return self.by_key.get(key, {}).get(code_id)


def find_code_id(bill: Bill, line: BillLine, key: str) -> str | None:
    """The id a line has under ``key``; missing on the line, it is taken from the bill's header."""
    return line.classifications.get(key) or bill.classifications.get(key) or None


def map_code(values: Mapping[str, str], code_id: str | None, names: tuple[str | None, ...]) -> str | None:
    """The value for an id, else for the first of its ``names`` that is in ``values``."""
    for name in (code_id, *names):
        if name and name in values:
            return values[name]
    return None


def unknown_code_keys(bill: Bill, codes: Codes) -> frozenset[str]:
    """The keys whose list does not know an id of this bill: load these lists anew before mapping it."""
    used = [bill.classifications, *(line.classifications for line in bill.lines)]
    return frozenset(
        key
        for classifications in used
        for key, code_id in classifications.items()
        if key in RESOURCES and code_id and codes.find(key, code_id) is None
    )
