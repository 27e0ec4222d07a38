"""Random histories: what people do in BILL, in any order, while workers end and answers are lost.

The crossing plays every end with every answer in scenes that someone thought of. A history is a scene that
nobody thought of, with a few ends and answers; its seed repeats it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from deploy.sandbox.jsonio import Json
from shared.bill.models import Kind
from shared.store.records import Heard
from tests.acceptance.chaos.checker import RELEASED
from tests.integration.crash.books import add_synced
from tests.integration.crash.injector import FAULTS, arrives, is_question, is_write
from tests.integration.crash.workshop import LATE_S, ROUND_S, Workshop
from tests.support.ledger_check import marked_bill
from tests.support.people import bill_line

ACCOUNTS, CENTRES = ("4000", "5010", "5410"), ("100", "200")
TEXTS = ("", "Hyra")
DAYS = ("2026-11-20", "2026-12-01")
VENDOR_FIELDS = {
    "email": ("anna@example.com", "bo@example.com"),
    "phone": ("+46 8 1", "+46 8 2"),
    "name": ("Nya {} AB", "Gamla {} AB"),
}
WAITS_S = (0.0, 0.0, 0.0, 1.0, 3.0, 11.0, 31.0, 61.0, 130.0)
MOST_STEPS_ALIVE = 60
EFFECTIVE = ("dropped after the effect", "500 without a word after the effect", "timed out, done later")
"""The answers that leave something behind that nobody knows of."""
READ_FAULTS = ("dropped before the effect", "500 without a word after the effect", "429", "401")
"""What may happen to a question."""
POLLS = (("bill",), ("bill",), ("bill", "waiting"), ("sweep",))
MOST_BILLS, MOST_VENDORS = 3, 4


@dataclass
class Books:
    """What a history begins with: two vendors with a bill each in Visma, and a vendor nobody carried over."""

    vendors: list[str]
    bills: list[str]

    @classmethod
    def open(cls, shop: Workshop) -> Books:
        """Set them up."""
        first, second = add_synced(shop), add_synced(shop, 1)
        return cls([first[0], second[0], shop.add_vendor(2)], [first[1], second[1]])


@dataclass
class History:
    """One history; ``told`` says what happened in it."""

    shop: Workshop
    dice: random.Random
    vendors: list[str]
    bills: list[str]
    told: list[str] = field(default_factory=list)
    late_for_s: float = 0.0
    vendor_odds: float = 0.2
    """How often it is a vendor that changes."""

    @staticmethod
    def prepare(shop: Workshop) -> None:
        """Settle with the tenant what holds from the first step on."""

    def play(self, steps: int) -> None:
        """So many times: something goes wrong, something happens in BILL, it is heard, and time passes."""
        for _ in range(steps):
            self._arm()
            changed = [self._change() for _ in range(self.dice.choice((1, 1, 2)))]
            self._hear(changed)
            self._pass_time()
        self.mend()
        self.carry_all()

    def _tell(self, *words: object) -> None:
        self.told.append(" ".join(map(str, words)))

    def _arm(self) -> None:
        kill_at = self.dice.randint(1, MOST_STEPS_ALIVE) if self.dice.random() < 0.3 else None
        what, is_meant = "write", is_write
        answer = self.dice.choice(["", "", *FAULTS, *EFFECTIVE, *EFFECTIVE])
        if self.dice.random() < 0.2:
            what, is_meant, answer = "question", is_question, self.dice.choice(READ_FAULTS)
        fault_at = self.dice.choice((1, 1, 2))
        self._tell("killed before step", kill_at, "-", what, fault_at, answer or "arrives")
        self.shop.injector.is_meant = is_meant
        self.shop.injector.arm(kill_at=kill_at, fault=FAULTS.get(answer, arrives), fault_at=fault_at)

    def _change(self) -> tuple[Kind, str]:
        if self.dice.random() < self.vendor_odds:
            return "vendor", self._change_vendor()
        if len(self.bills) < MOST_BILLS and self.dice.random() < 0.15:
            self.bills.append(self.shop.add_bill(self.dice.choice(self.vendors), f"F-{len(self.bills) + 1}"))
            self._tell("enter", self.bills[-1])
            return "bill", self.bills[-1]
        # mostly the same one, and between two values, so that changes are often taken back
        bill = self.bills[0] if self.dice.random() < 0.7 else self.dice.choice(self.bills)
        changes = self.changes(bill)
        name = self.dice.choice(list(changes))
        self._do(name, bill, changes[name])
        return "bill", bill

    def _change_vendor(self) -> str:
        if len(self.vendors) < MOST_VENDORS and self.dice.random() < 0.3:
            self.vendors.append(self.shop.add_vendor(len(self.vendors)))
            self._tell("enter", self.vendors[-1])
            return self.vendors[-1]
        vendor = self.vendors[0] if self.dice.random() < 0.6 else self.dice.choice(self.vendors)
        name = self.dice.choice(self.vendor_fields(vendor))
        value = self.dice.choice(VENDOR_FIELDS[name]).format(vendor)
        self._do(f"{name} {value}", vendor, lambda: self.shop.change_vendor(vendor, **{name: value}))
        return vendor

    def vendor_fields(self, vendor: str) -> list[str]:
        """What may change of a vendor."""
        return list(VENDOR_FIELDS)

    def changes(self, bill: str) -> dict[str, Callable[[], object]]:
        """What may happen to a bill, by name."""
        shop, pick, shown = self.shop, self.dice.choice, self.shop.bill(bill)
        return {
            "text": lambda: shop.change_bill(bill, description=_other(TEXTS, shown.get("description") or "")),
            "due": lambda: shop.change_bill(bill, dueDate=_other(DAYS, shown["dueDate"])),
            "lines": lambda: self._change_lines(bill),
            "amount": lambda: self._change_amount(bill),
            "number": lambda: self._number(
                bill, "" if shown["invoice"].get("invoiceNumber") else self._number_of(bill)
            ),
            "move": lambda: shop.change_bill(bill, vendorId=pick(self.vendors)),
            "approval": lambda: self._turn_approval(bill, shown["approvalStatus"]),
            "archive": lambda: self._turn_status(bill, shown["recordStatus"]),
        }

    def _turn_approval(self, bill: str, status: str) -> None:
        people, organization = self.shop.sandbox, self.shop.organization
        if status != "APPROVED":
            people.approve_bill(organization, bill)
        elif self.dice.random() < 0.7:
            people.withdraw_approval(organization, bill)
        else:
            people.deny_bill(organization, bill)

    def _turn_status(self, bill: str, status: str) -> None:
        people, organization = self.shop.sandbox, self.shop.organization
        (people.archive_bill if status == "ACTIVE" else people.restore_bill)(organization, bill)

    def _do(self, name: str, record: str, change: Callable[[], object]) -> None:
        self._tell(name, record)
        change()

    def _change_lines(self, bill: str) -> None:
        kept = self.shop.bill(bill)["billLineItems"][: self.dice.randint(0, 2)]
        new = [
            bill_line(self.dice.choice(("10.00", "25.50")), self.dice.choice(ACCOUNTS))
            for _ in range(self.dice.randint(0 if kept else 1, 2))
        ]
        self.shop.change_lines(bill, *kept, *new)

    def _change_amount(self, bill: str) -> None:
        first, *others = self.shop.bill(bill)["billLineItems"]
        changed = bill_line(
            self.dice.choice(("17.00", "99.00")), self.dice.choice(ACCOUNTS), self.dice.choice(CENTRES)
        )
        self.shop.change_lines(bill, {**changed, "id": first["id"]}, *others)

    def _number(self, bill: str, number: str) -> None:
        self.shop.change_bill(bill, invoice={"invoiceNumber": number, "invoiceDate": "2026-10-31"})

    def _number_of(self, bill: str) -> str:
        return f"F-{self.bills.index(bill) + 1}"

    def _hear(self, changed: list[tuple[Kind, str]]) -> None:
        if self.dice.random() < 0.5:
            polls = self.dice.choice(POLLS)
            self._tell("BILL is polled:", *polls)
            self.shop.poll(*polls)
        else:
            self.shop.hear(*(Heard(kind, bill, forced=True) for kind, bill in changed))
        self.shop.know_visma()
        self.shop.work_off()

    def _pass_time(self) -> None:
        seconds = self.dice.choice(WAITS_S)
        self._tell(f"{seconds:.0f} s pass")
        self._age_late(seconds, at_once=self.dice.random() < 0.2)
        if self.dice.random() < 0.3:
            self.shop.poll("visma")
        self.shop.know_visma()
        self.shop.pass_time(seconds)

    def _age_late(self, seconds: float, *, at_once: bool = False) -> None:
        """What timed out is done before so much time has passed that Visma may no longer be at it."""
        self.late_for_s = self.late_for_s + seconds if self.shop.injector.late else 0.0
        if self.late_for_s > LATE_S or at_once:
            self.shop.injector.happen_late()
            self.late_for_s = 0.0

    def release(self, bill: str) -> None:
        """A person releases the bill's document in Visma."""
        for document in self.documents_of(bill):
            if document["status"] == "Balanced":
                self.shop.sandbox.release_invoice(self.shop.company, document["referenceNumber"])

    def documents_of(self, bill: str) -> list[Json]:
        """The bill's documents in Visma."""
        return [shown for one, shown in self.documents() if one == bill]

    def documents(self) -> list[tuple[str, Json]]:
        """All documents in Visma, with their bills."""
        return [(marked_bill(one), one) for one in self.shop.invoices()]

    def mend(self) -> None:
        """Nothing goes wrong any more, and no bill is left that a person would have to mend in BILL."""
        shop = self.shop
        shop.injector.disarm()
        self._age_late(ROUND_S)
        shop.know_visma()
        shop.pass_time(ROUND_S)  # the polls of the ended can be taken over
        for bill in self.bills:
            if self.dice.random() < 0.7:
                shop.sandbox.restore_bill(shop.organization, bill)
                shop.sandbox.approve_bill(shop.organization, bill)
            self._number(bill, self._number_of(bill))

    def carry_all(self, held: Collection[str] = RELEASED) -> None:
        """Hear of everything, until nothing is left to do; ``held`` are reasons that may stay."""
        shop = self.shop
        known: list[tuple[Kind, str]] = [("vendor", one) for one in self.vendors]
        known += [("bill", one) for one in self.bills]
        for _ in range(2):  # the second time, Visma's poll shows what was released
            shop.poll("visma")
            shop.hear(*(Heard(kind, one, forced=True) for kind, one in known))
            shop.work_until_quiet(within_s=max(0.0, LATE_S - self.late_for_s), held=held)


def _other(values: tuple[str, str], shown: str) -> str:
    return values[1] if shown == values[0] else values[0]
