"""Which of BILL's classifications need a counterpart in Visma: what bills use, and what they may use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.bill.models import Bill, Classification
from workers.mapping.codes import ACCOUNT_KEY, Codes, find_code_id

Usage = Mapping[str, Mapping[str | None, int]]
"""How many bills use an id, by BILL's key, then by id; None counts the bills with a line that has none."""


@dataclass(frozen=True, slots=True)
class Code:
    """A classification in use, or that BILL offers; ``entry`` is None where BILL's list does not have it."""

    key: str
    id: str
    entry: Classification | None = None
    bills: int = 0

    @property
    def names(self) -> tuple[str | None, ...]:
        """What it may stand under in the tenant's file beside its id, in the order of the mapping."""
        if self.entry is None:
            return ()
        first = self.entry.number if self.key == ACCOUNT_KEY else self.entry.short_name
        return (first, self.entry.name)

    @property
    def title(self) -> str:
        """Number or short name, and name."""
        if self.entry is None:
            return "not in BILL's list"
        return " ".join(dict.fromkeys(name for name in self.names if name)) or "without a name"


def count_usage(bills: Iterable[Bill], keys: Collection[str]) -> Usage:
    """How many bills use which ids under these keys, on their lines or by the header."""
    usage: dict[str, Counter[str | None]] = {key: Counter() for key in keys}
    for bill in bills:
        for key in keys:
            usage[key].update({find_code_id(bill, line, key) for line in bill.lines})
    return usage


def list_codes(key: str, codes: Codes, usage: Usage) -> list[Code]:
    """The ids in use and BILL's active entries under a key, by number or short name, then by name."""
    entries, used = codes.by_key.get(key, {}), usage.get(key, {})
    ids = {code_id for code_id in used if code_id}
    ids |= {code_id for code_id, entry in entries.items() if not entry.archived}
    found = [Code(key, code_id, entries.get(code_id), used.get(code_id, 0)) for code_id in ids]
    return sorted(found, key=lambda code: (code.entry is None, code.title, code.id))
