"""Histories in which people edit and release documents in Visma, too, or edit suppliers there.

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
class SettledHistory(History):
    """In the end a person settles what is held, by entering in BILL what Visma shows."""

    overruled: list[str] = field(default_factory=list)

    def play(self, steps: int) -> None:
        """Play, and note which edits were overruled."""
        super().play(steps)
        self.settle_edits()

    def settle_edits(self) -> None:
        """Note what was overruled, then settle what is held."""
        raise NotImplementedError


@dataclass
class EditedHistory(SettledHistory):
    """People edit documents, and release them."""

    edits: dict[str, Json] = field(default_factory=dict)
    """The document as a person left it, by bill; each has a due date that BILL never had."""

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


@dataclass
class EditedSupplierHistory(SettledHistory):
    """People edit suppliers."""

    vendor_odds: float = 0.6
    edits: dict[str, str] = field(default_factory=dict)
    """The phone number that a person gave a supplier last, by vendor; BILL never had it."""

    def carry_all(self, held: Collection[str] = (*RELEASED, EDITED, "vendor_held")) -> None:
        """Until a person's turn."""
        super().carry_all(held)

    def settle_edits(self) -> None:
        """Note what was overruled, then settle what is held."""
        shown = {one["accountReference"]: one["mainContact"]["phone1"] for one in self.shop.suppliers()}
        for vendor, phone in self.edits.items():
            if shown[vendor] != phone:
                self.overruled.append(f"vendor {vendor}: {phone} in Visma became {shown[vendor]}")
            self.shop.change_vendor(vendor, phone=shown[vendor])
        super().carry_all()

    def _change_vendor(self) -> str:
        return self._edit_supplier() if self.dice.random() < 0.3 else super()._change_vendor()

    def _edit_supplier(self) -> str:
        supplier = self.dice.choice(self.shop.suppliers())
        vendor, phone = str(supplier["accountReference"]), f"+46 70 {len(self.told)}"
        self._tell("phone", phone, "in Visma", vendor)
        self.shop.change_supplier(supplier["number"], mainContact={"phone1": phone})
        self.edits[vendor] = phone
        return vendor
