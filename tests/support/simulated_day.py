"""A day's work of the people who use BILL, at random but repeatable: entered, corrected, approved, deleted.

Only what ends in Visma without a person's help is done, so that what should be there is certain.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json

ACCOUNTS = ("4000", "5010", "5410", "6540")
CENTRES = ("000", "100", "200", "300")
APPROVED_AT_ONCE = 0.7
EDITS_A_BILL = 0.8
EDITS_A_VENDOR = 0.2


@dataclass
class SimulatedDay:
    """What happens in one organization; ``play_hour`` once for each hour of the day."""

    control: SandboxControl
    organization: str
    seed: int
    vendors: int
    bills: int
    hours: int = 8
    vendor_ids: list[str] = field(default_factory=list)
    bill_ids: list[str] = field(default_factory=list)
    edits: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._hour = 0
        self._shown: dict[str, Json] = {}

    def play_hour(self) -> None:
        """New vendors and bills, then changes of what is there, some of them of the same record twice."""
        self._hour += 1
        self._enter_vendors(self._share(self.vendors))
        self._enter_bills(self._share(self.bills))
        for _ in range(round(self._share(self.bills) * EDITS_A_BILL)):
            bill_id = self.dice.choice(self.bill_ids)
            self._shown[bill_id] = self._pick_edit()(bill_id)
        for _ in range(round(self._share(self.vendors) * EDITS_A_VENDOR)):
            self._edit_vendor(self.dice.choice(self.vendor_ids))

    def _share(self, total: int) -> int:
        return total * self._hour // self.hours - total * (self._hour - 1) // self.hours

    def _enter_vendors(self, count: int) -> None:
        place = len(self.vendor_ids)
        entered = [seeds.vendor(seeds.SWEDEN, place + number) for number in range(count)]
        self.vendor_ids += self.control.create_many(self.organization, vendors=entered)["vendors"]

    def _enter_bills(self, count: int) -> None:
        entered = [self._make_bill(len(self.bill_ids) + number) for number in range(count)]
        self.bill_ids += self.control.create_many(self.organization, bills=entered)["bills"]
        shown = self.control.organization_state(self.organization, "bills")
        self._shown = {bill["id"]: bill for bill in shown}

    def _make_bill(self, place: int) -> Json:
        fields: dict[str, Any] = {
            "billLineItems": [self._make_line() for _ in range(self.dice.randint(1, 3))],
            "approvalStatus": "APPROVED" if self.dice.random() < APPROVED_AT_ONCE else "ASSIGNED",
        }
        return seeds.bill(seeds.SWEDEN, self.dice.choice(self.vendor_ids), f"D-{place}", **fields)

    def _make_line(self) -> Json:
        return {
            "amount": Decimal(self.dice.randint(100, 900_000)) / 100,
            "description": f"Rad {self.dice.randint(1, 10**6)}",
            "classifications": {
                "chartOfAccountId": seeds.account_id(seeds.SWEDEN, self.dice.choice(ACCOUNTS)),
                "departmentId": seeds.department_id(seeds.SWEDEN, self.dice.choice(CENTRES)),
            },
        }

    # Changes.

    def _pick_edit(self) -> Callable[[str], Json]:
        self.edits += 1
        names = [self._approve, self._change_amount, self._replace_lines, self._move, self._redate]
        names += [self._withdraw, self._deny, self._archive, self._restore]
        return self.dice.choices(names, weights=[30, 20, 12, 5, 8, 5, 3, 9, 8])[0]

    def _approve(self, bill_id: str) -> Json:
        return self.control.approve_bill(self.organization, bill_id)

    def _withdraw(self, bill_id: str) -> Json:
        return self.control.withdraw_approval(self.organization, bill_id)

    def _deny(self, bill_id: str) -> Json:
        return self.control.deny_bill(self.organization, bill_id)

    def _archive(self, bill_id: str) -> Json:
        return self.control.archive_bill(self.organization, bill_id)

    def _restore(self, bill_id: str) -> Json:
        return self.control.restore_bill(self.organization, bill_id)

    def _change_amount(self, bill_id: str) -> Json:
        line = self.dice.choice(self._shown[bill_id]["billLineItems"])
        amount = Decimal(self.dice.randint(100, 900_000)) / 100
        return self._change(bill_id, billLineItems=[{"id": line["id"], "amount": amount}])

    def _replace_lines(self, bill_id: str) -> Json:
        whole = self._shown[bill_id]
        lines = whole["billLineItems"][: self.dice.randint(1, 3)]
        lines += [self._make_line() for _ in range(self.dice.randint(0, 2))]
        kept = {name: whole[name] for name in ("vendorId", "dueDate", "invoice")}
        return self._change(bill_id, replace=True, **kept, billLineItems=lines)

    def _move(self, bill_id: str) -> Json:
        return self._change(bill_id, vendorId=self.dice.choice(self.vendor_ids))

    def _redate(self, bill_id: str) -> Json:
        return self._change(bill_id, dueDate=f"2026-12-{self.dice.randint(1, 28):02}")

    def _change(self, bill_id: str, **fields: Any) -> Json:
        return self.control.change_bill(self.organization, bill_id, **fields)

    def _edit_vendor(self, vendor_id: str) -> None:
        self.edits += 1
        number = self.dice.randint(1, 10**6)
        change: Json = self.dice.choice(
            (
                {"name": f"Nytt namn {number} AB"},
                {"email": f"ny{number}@example.com"},
                {"phone": f"+46 8 {number}"},
            )
        )
        self.control.change_vendor(self.organization, vendor_id, **change)
