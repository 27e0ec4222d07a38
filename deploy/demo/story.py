"""What the chapters leave behind for the end of the day: what must be held, and what must be proved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.demo.books import Books
from deploy.sandbox.jsonio import Json

Proof = Callable[[Sequence[Books]], list[str]]
"""Looks at the books of all clients and says what is wrong, a line each; nothing means that all is well."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A check of the story: one line for a reader, and its proof."""

    text: str
    prove: Proof


@dataclass(slots=True)
class Story:
    """Grows while the chapters are played.

    ``held`` and ``waiting``: tenant and record id, with the reason why it is held; ``old_suppliers``: by
    tenant, those that people entered before the day; ``partners``: by tenant, the number of the old
    supplier that a vendor must be matched to.
    """

    held: dict[tuple[str, str], str] = field(default_factory=dict)
    waiting: set[tuple[str, str]] = field(default_factory=set)
    old_suppliers: dict[str, list[Json]] = field(default_factory=dict)
    partners: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    promises: list[Promise] = field(default_factory=list)

    def promise(self, text: str, prove: Proof) -> None:
        """Have something proved when the day is over."""
        self.promises.append(Promise(text, prove))

    def find_old_supplier(self, tenant: str, name: str) -> str:
        """The number of a supplier that people entered before the day."""
        return next(str(one["number"]) for one in self.old_suppliers[tenant] if one["name"] == name)

    def is_held(self, tenant: str, record_id: str) -> bool:
        """Whether the record is meant to be held when the day is over."""
        return (tenant, record_id) in self.held
