"""Histories in which people edit and release documents in Visma, too.

No edit of theirs is overruled without a word, and nothing of ours comes after a release.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from deploy.sandbox.jsonio import Json
from shared.visma.models import EDITABLE_STATUSES
from tests.acceptance.chaos.checker import RELEASED
from tests.integration.crash.histories import History

FIRST_DAY = date(2027, 1, 1)
EDITED = "edited_in_visma"


@dataclass
class EditedHistory(History):
    """In the end a person settles what is held, by entering in BILL what Visma shows."""

    edits: dict[str, Json] = field(default_factory=dict)
    """The document as a person left it, by bill; each has a due date that BILL never had."""

    overruled: list[str] = field(default_factory=list)

    def play(self, steps: int) -> None:
        """Play, and note which edits were overruled."""
        super().play(steps)
        self.settle_edits()

    def changes(self, bill: str) -> dict[str, Callable[[], object]]:
        """An edit in Visma is as likely as three of the others."""
        edits = {f"edit {number} in Visma": lambda: self._edit(bill) for number in range(3)}
        return {**super().changes(bill), **edits, "release in Visma": lambda: self.release(bill)}

    def carry_all(self, held: Collection[str] = (*RELEASED, EDITED)) -> None:
        """Until a person's turn."""
        super().carry_all(held)

    def settle_edits(self) -> None:
        """Note what was overruled, then settle what is held."""
        self.overruled += self._find_overruled()
        for bill, shown in self.documents():
            if bill in self.edits:
                self.shop.change_bill(bill, dueDate=shown["dueDate"][:10])
        super().carry_all()

    def _edit(self, bill: str) -> None:
        for document in self.documents_of(bill):
            if document["status"] not in EDITABLE_STATUSES:
                continue
            day = FIRST_DAY + timedelta(days=len(self.told))
            self.shop.change_invoice(document["referenceNumber"], dueDate=day.isoformat())
            self.edits[bill] = {**document, "dueDate": day.isoformat()}

    def _find_overruled(self) -> Iterator[str]:
        for bill, shown in self.documents():
            edit = self.edits.get(bill)
            is_same = edit is not None and edit["referenceNumber"] == shown["referenceNumber"]
            if edit is not None and is_same and shown["dueDate"][:10] != edit["dueDate"]:
                yield f"bill {bill}: due {edit['dueDate']} in Visma became {shown['dueDate'][:10]}"
