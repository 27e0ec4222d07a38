"""Histories with documents, and histories in which a vendor waits until somebody enters its supplier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from tests.acceptance.chaos.checker import RELEASED
from tests.integration.crash.histories import History
from tests.integration.crash.workshop import Workshop
from workers.sync.duty import rejudge_held

MOST_DOCUMENTS = 3
JUDGE_AGAIN_S = 301.0
"""Held records are judged again every five minutes."""


@dataclass
class DocumentHistory(History):
    """Documents are filed with the bills."""

    filed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Their names, by bill; each holds its own name."""

    def changes(self, bill: str) -> dict[str, Callable[[], object]]:
        """A document is as likely as three of the others."""
        documents = {f"file {number}": lambda: self._file(bill) for number in range(3)}
        return {**super().changes(bill), **documents, "release in Visma": lambda: self.release(bill)}

    def carry_all(self, held: Collection[str] = RELEASED) -> None:
        """The sweep looks for what was filed without a change of the bill."""
        super().carry_all(held)
        self.shop.poll("visma", "sweep")
        self.shop.work_until_quiet(held=held)

    def _file(self, bill: str) -> None:
        if len(self.filed[bill]) < MOST_DOCUMENTS:
            name = f"{len(self.filed[bill]) + 1} till {bill}.pdf"
            self.shop.sandbox.add_document(self.shop.organization, bill, name, name.encode())
            self.filed[bill].append(name)


@dataclass
class HeldHistory(History):
    """Nobody but people enters suppliers; they do so sooner or later."""

    vendor_odds: float = 0.5
    entered: set[str] = field(default_factory=set)
    """Vendors whose suppliers they entered."""

    @staticmethod
    def prepare(shop: Workshop) -> None:
        """From now on a vendor without a supplier is held."""
        config = shop.config
        shop.apply(replace(config, sync=replace(config.sync, unmatched_vendors="hold")))

    def changes(self, bill: str) -> dict[str, Callable[[], object]]:
        """A supplier is as likely as two of the others."""
        suppliers = {f"supplier {number}": self._enter_supplier for number in range(2)}
        return {**super().changes(bill), **suppliers}

    def vendor_fields(self, vendor: str) -> list[str]:
        """A name that people gave a supplier stays, whatever BILL says before both are linked."""
        fields = super().vendor_fields(vendor)
        return [name for name in fields if name != "name" or vendor not in self.entered]

    def mend(self) -> None:
        """Whoever waits for a supplier gets it, and it is found."""
        super().mend()
        while self._enter_supplier():
            pass
        self.shop.poll("visma")
        self._age_late(JUDGE_AGAIN_S)
        self.shop.pass_time(JUDGE_AGAIN_S)
        rejudge_held(self.shop.context.pool)

    def _enter_supplier(self) -> bool:
        """Enter the supplier of the first vendor that has none; whether there was one."""
        there = {str(one["corporateId"] or "").replace("-", "") for one in self.shop.suppliers()}
        there |= {one["accountReference"] for one in self.shop.suppliers()}
        for vendor in self.shop.sandbox.organization_state(self.shop.organization, "vendors"):
            number = vendor["additionalInfo"]["taxId"][2:12]
            if there.isdisjoint((vendor["id"], number)):
                self.shop.add_supplier(name=vendor["name"], corporateId=f"{number[:6]}-{number[6:]}")
                self.entered.add(vendor["id"])
                return True
        return False
