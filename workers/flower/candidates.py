"""Which of Visma's suppliers a held vendor may be, the likeliest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from shared.bill.models import Vendor
from workers.mapping.keys import fold_name, number_keys

MOST = 8
LIKENESS = 60
"""How alike two names must be, in percent, to be shown."""
_BY_MARKER, _BY_NUMBER = 300.0, 200.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A supplier and why it is shown; ``taken_by`` is the vendor that is linked to it already."""

    number: str
    name: str
    status: str
    currency: str | None
    why: str
    score: float
    taken_by: str | None = None


def rank_suppliers(
    vendor: Vendor, suppliers: Iterable[Mapping[str, Any]], taken: Mapping[str, str]
) -> list[Candidate]:
    """The suppliers most like the vendor: by our marker, by number, then by how alike the names are.

    ``taken`` says which suppliers are linked to which vendor; free ones go first.
    """
    keys, name = number_keys(vendor.tax_id), fold_name(vendor.name)
    found = []
    for supplier in suppliers:
        score, why = _judge(vendor, keys, name, supplier)
        if score < LIKENESS:
            continue
        taken_by = taken.get(supplier["number"])
        found.append(
            Candidate(
                number=supplier["number"],
                name=supplier["name"] or "",
                status=supplier["status"],
                currency=supplier["currency"],
                why=why,
                score=score,
                taken_by=taken_by if taken_by != vendor.id else None,
            )
        )
    return sorted(found, key=lambda one: (one.taken_by is not None, -one.score, one.number))[:MOST]


def _judge(vendor: Vendor, keys: frozenset[str], name: str, supplier: Mapping[str, Any]) -> tuple[float, str]:
    likeness = fuzz.token_sort_ratio(name, supplier["name_key"] or "") if name else 0.0
    if (supplier["bill_id"] or "").strip() == vendor.id:
        return _BY_MARKER + likeness, "carries this vendor's BILL id"
    if keys & set(supplier["number_keys"]):
        return _BY_NUMBER + likeness, f"has the same number {vendor.tax_id}"
    if likeness >= 100:
        return likeness, "has the same name"
    return likeness, f"its name is {likeness:.0f} % like it"
