"""What can happen to a vendor or a bill, each as a scene that can be played again and again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from deploy.sandbox import seeds
from tests.integration.crash.workshop import NUMBERS, Change, Scene, Workshop
from tests.support.people import bill_line

SUPPLIER, INVOICE = "supplier", "supplierInvoice"


def create(shop: Workshop) -> Callable[[], Change]:
    """A bill of a vendor, both new."""

    def next_change() -> Change:
        number = next(NUMBERS)
        bill = shop.add_bill(shop.add_vendor(number), f"F-{number}")
        return Change("bill", bill, (("created", SUPPLIER), ("created", INVOICE)))

    return next_change


def link(shop: Workshop) -> Callable[[], Change]:
    """A bill of a new vendor whose supplier people entered long ago."""

    def next_change() -> Change:
        number = next(NUMBERS)
        shop.add_supplier(name=seeds.vendor(seeds.SWEDEN, number)["name"])
        shop.poll("visma")
        bill = shop.add_bill(shop.add_vendor(number), f"F-{number}")
        return Change("bill", bill, (("updated", SUPPLIER), ("created", INVOICE)))

    return next_change


def change_vendor(shop: Workshop) -> Callable[[], Change]:
    """A vendor of a synced bill has another address."""
    vendor, _ = _add_synced(shop)

    def next_change() -> Change:
        shop.change_vendor(vendor, email=f"v{next(NUMBERS)}@example.com")
        return Change("vendor", vendor, (("updated", SUPPLIER),))

    return next_change


def change_bill(shop: Workshop) -> Callable[[], Change]:
    """A synced bill has another amount and one more or one less line."""
    _, bill = _add_synced(shop)

    def next_change() -> Change:
        number = next(NUMBERS)
        first = {**bill_line(f"{number}.25"), "id": shop.bill(bill)["billLineItems"][0]["id"]}
        shop.change_lines(bill, first, *[bill_line("10.00")] * (number % 2))
        amount = Decimal(f"{number}.25") + 10 * (number % 2)
        return Change("bill", bill, (("updated", INVOICE),), shows={"amount": amount})

    return next_change


def move(shop: Workshop) -> Callable[[], Change]:
    """A synced bill turns out to be another vendor's."""
    vendor, bill = _add_synced(shop)
    other, _ = _add_synced(shop)
    turns = [vendor, other]

    def next_change() -> Change:
        turns.reverse()
        shop.change_bill(bill, vendorId=turns[0])
        return Change("bill", bill, (("deleted", INVOICE), ("created", INVOICE)))

    return next_change


def withdraw(shop: Workshop) -> Callable[[], Change]:
    """The approval of a synced bill is taken back."""
    _, bill = _add_synced(shop)

    def next_change() -> Change:
        if shop.record("bill", bill).state != "synced":
            shop.sandbox.approve_bill(shop.organization, bill)
            shop.carry("bill", bill)
            assert not shop.invoice_of(bill)["hold"]
        shop.sandbox.withdraw_approval(shop.organization, bill)
        return Change("bill", bill, (("updated", INVOICE),), "waiting", {"hold": True})

    return next_change


def approve_again(shop: Workshop) -> Callable[[], Change]:
    """A bill on hold for want of its approval is approved again."""
    _, bill = _add_synced(shop)

    def next_change() -> Change:
        shop.sandbox.withdraw_approval(shop.organization, bill)
        shop.carry("bill", bill)
        shop.sandbox.approve_bill(shop.organization, bill)
        return Change("bill", bill, (("updated", INVOICE),), shows={"hold": False})

    return next_change


def archive(shop: Workshop) -> Callable[[], Change]:
    """A synced bill is archived."""
    vendor, _ = _add_synced(shop)

    def next_change() -> Change:
        bill = shop.add_bill(vendor, f"F-{next(NUMBERS)}")
        shop.carry("bill", bill)
        shop.sandbox.archive_bill(shop.organization, bill)
        return Change("bill", bill, (("deleted", INVOICE),), "ignored")

    return next_change


def release(shop: Workshop) -> Callable[[], Change]:
    """A synced bill is to be released."""
    vendor, _ = _add_synced(shop)

    def next_change() -> Change:
        bill = shop.add_bill(vendor, f"F-{next(NUMBERS)}")
        shop.carry("bill", bill)
        return Change("bill", bill, (("updated", INVOICE), ("released", INVOICE)))

    return next_change


def create_then_change(shop: Workshop) -> Callable[[], Change]:
    """A new bill is changed while it is carried over."""
    vendor, _ = _add_synced(shop)

    def next_change() -> Change:
        bill = shop.add_bill(vendor, f"F-{next(NUMBERS)}")
        return Change(
            "bill",
            bill,
            None,
            shows={"description": "newest"},
            meanwhile=lambda: shop.change_bill(bill, description="newest"),
        )

    return next_change


def create_then_archive(shop: Workshop) -> Callable[[], Change]:
    """A new bill is archived while it is carried over."""
    vendor, _ = _add_synced(shop)

    def next_change() -> Change:
        bill = shop.add_bill(vendor, f"F-{next(NUMBERS)}")
        return Change(
            "bill",
            bill,
            None,
            "ignored",
            meanwhile=lambda: shop.sandbox.archive_bill(shop.organization, bill),
        )

    return next_change


def change_twice(shop: Workshop) -> Callable[[], Change]:
    """A synced bill is changed again while it is carried over."""
    _, bill = _add_synced(shop)

    def next_change() -> Change:
        number = next(NUMBERS)
        shop.change_bill(bill, description=f"change {number}")
        return Change(
            "bill",
            bill,
            None,
            shows={"description": f"newer {number}"},
            meanwhile=lambda: shop.change_bill(bill, description=f"newer {number}"),
        )

    return next_change


def withdraw_then_approve(shop: Workshop) -> Callable[[], Change]:
    """The approval of a synced bill is taken back, and given again at once."""
    _, bill = _add_synced(shop)

    def next_change() -> Change:
        shop.sandbox.withdraw_approval(shop.organization, bill)
        return Change(
            "bill",
            bill,
            None,
            shows={"hold": False},
            meanwhile=lambda: shop.sandbox.approve_bill(shop.organization, bill),
        )

    return next_change


def _add_synced(shop: Workshop) -> tuple[str, str]:
    number = next(NUMBERS)
    vendor = shop.add_vendor(number)
    bill = shop.add_bill(vendor, f"F-{number}")
    shop.carry("bill", bill)
    return vendor, bill


SCENES: dict[str, Scene] = {
    "create": create,
    "link": link,
    "change vendor": change_vendor,
    "change bill": change_bill,
    "move": move,
    "withdraw": withdraw,
    "approve again": approve_again,
    "archive": archive,
    "release": release,
    "create, then change": create_then_change,
    "create, then archive": create_then_archive,
    "change twice": change_twice,
    "withdraw, then approve": withdraw_then_approve,
}
