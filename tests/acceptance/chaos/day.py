"""A day's work where people also file documents with bills, and take vendors out of use for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.sandbox import seeds
from tests.support.simulated_day import SimulatedDay

DOCUMENTS_AN_HOUR = 5
ARCHIVED_AN_HOUR = 3
IDLE_VENDORS = 2
IDLE_PLACE = 5000
"""Where the seeds of the idle vendors begin, far from all others."""


@dataclass
class ChaosDay(SimulatedDay):
    """What the tenant's ``sync`` settings speak of is done, too.

    A vendor with bills is back in use at the end of the day, since Visma takes no invoice of a supplier
    on hold; the idle ones, who have no bills, stay as they are.
    """

    sync: Mapping[str, Any] = field(default_factory=dict)
    documents: dict[str, list[str]] = field(default_factory=dict)
    """Names of the documents by bill; each holds its own name."""

    _archived: set[str] = field(default_factory=set)
    _idle_ids: list[str] = field(default_factory=list)

    def play_hour(self) -> None:
        """An hour of everything."""
        super().play_hour()
        if self.sync.get("attachments"):
            for _ in range(DOCUMENTS_AN_HOUR):
                self._file_document(self.dice.choice(self.bill_ids))
        if self.sync.get("archived_vendors") == "on_hold":
            self._archive_vendors()

    def _file_document(self, bill_id: str) -> None:
        self.edits += 1
        names = self.documents.setdefault(bill_id, [])
        names.append(f"räkning {len(names) + 1}.pdf")
        self.control.add_document(self.organization, bill_id, names[-1], names[-1].encode())

    def _archive_vendors(self) -> None:
        if not self._idle_ids:
            idle = [seeds.vendor(seeds.SWEDEN, IDLE_PLACE + number) for number in range(IDLE_VENDORS)]
            self._idle_ids = self.control.create_many(self.organization, vendors=idle)["vendors"]
        for vendor_id in sorted(self._archived):
            if self._hour == self.hours and vendor_id not in self._idle_ids:
                self._restore_vendor(vendor_id)
        everyone = self._idle_ids if self._hour == self.hours else [*self._idle_ids, *self.vendor_ids]
        for _ in range(ARCHIVED_AN_HOUR):
            vendor_id = self.dice.choice(everyone)
            if vendor_id in self._archived:
                self._restore_vendor(vendor_id)
            else:
                self._archive_vendor(vendor_id)

    def _archive_vendor(self, vendor_id: str) -> None:
        self.edits += 1
        self._archived.add(vendor_id)
        self.control.archive_vendor(self.organization, vendor_id)

    def _restore_vendor(self, vendor_id: str) -> None:
        self.edits += 1
        self._archived.remove(vendor_id)
        self.control.restore_vendor(self.organization, vendor_id)
