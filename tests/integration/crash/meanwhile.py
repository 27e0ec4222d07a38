"""What happens to a record while it is carried over: BILL changes it once more, or takes the change back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deploy.sandbox import seeds
from tests.integration.crash.books import add_synced, sync
from tests.integration.crash.workshop import Change, Scene, Workshop


def change_vendor_and_back(shop: Workshop) -> Change:
    """A vendor is changed, and changed back while it is carried over."""
    vendor, _ = add_synced(shop)
    shop.change_vendor(vendor, email="new@example.com")
    old = "faktura0@example.com"
    return Change(
        "vendor", vendor, None, shows={"email": old}, meanwhile=lambda: shop.change_vendor(vendor, email=old)
    )


def create_then_change_vendor(shop: Workshop) -> Change:
    """A new vendor is changed while it is carried over."""
    add_synced(shop)
    return _until_email(shop, shop.add_vendor(1))


def link_then_change(shop: Workshop) -> Change:
    """A new vendor whose supplier people entered is changed while it is carried over."""
    add_synced(shop)
    shop.add_supplier(name=seeds.vendor(seeds.SWEDEN, 1)["name"])
    shop.poll("visma")
    return _until_email(shop, shop.add_vendor(1))


def create_then_change(shop: Workshop) -> Change:
    """A new bill is changed while it is carried over."""
    vendor, _ = add_synced(shop)
    bill = shop.add_bill(vendor, "F-2")
    return _until_text(shop, bill, "newest")


def create_then_move(shop: Workshop) -> Change:
    """A new bill turns out to be another vendor's while it is carried over."""
    vendor, _ = add_synced(shop)
    other, _ = add_synced(shop, 1)
    bill = shop.add_bill(vendor, "F-3")
    return Change("bill", bill, None, meanwhile=lambda: shop.change_bill(bill, vendorId=other))


def create_then_archive(shop: Workshop) -> Change:
    """A new bill is archived while it is carried over."""
    vendor, _ = add_synced(shop)
    bill = shop.add_bill(vendor, "F-2")
    return Change(
        "bill",
        bill,
        None,
        "ignored",
        meanwhile=lambda: shop.sandbox.archive_bill(shop.organization, bill),
    )


def change_twice(shop: Workshop) -> Change:
    """A synced bill is changed again while it is carried over."""
    _, bill = add_synced(shop)
    shop.change_bill(bill, description="new")
    return _until_text(shop, bill, "newer")


def change_and_back(shop: Workshop) -> Change:
    """A synced bill is changed, and changed back while it is carried over."""
    _, bill = add_synced(shop)
    shop.change_bill(bill, description="old")
    sync(shop, bill)
    shop.change_bill(bill, description="new")
    return _until_text(shop, bill, "old")


def change_back_while_held(shop: Workshop) -> Change:
    """A synced bill is changed, then lacks its number, and is changed back once it is held for that."""
    _, bill = add_synced(shop)
    shop.change_bill(bill, description="new")

    def mend() -> None:
        shop.change_bill(bill, description="", **_numbered("F-1"))

    return _back_once_at_rest(bill, lambda: shop.change_bill(bill, **_numbered("")), mend)


def change_back_while_withdrawn(shop: Workshop) -> Change:
    """A synced bill is changed, its approval is taken back, and both come back once it waits."""
    _, bill = add_synced(shop)
    shop.change_bill(bill, description="new")

    def mend() -> None:
        shop.change_bill(bill, description="")
        shop.sandbox.approve_bill(shop.organization, bill)

    return _back_once_at_rest(bill, lambda: shop.sandbox.withdraw_approval(shop.organization, bill), mend)


def withdraw_then_approve(shop: Workshop) -> Change:
    """The approval of a synced bill is taken back, and given again while it is carried over."""
    _, bill = add_synced(shop)
    shop.sandbox.withdraw_approval(shop.organization, bill)
    return Change(
        "bill",
        bill,
        None,
        shows={"hold": False},
        meanwhile=lambda: shop.sandbox.approve_bill(shop.organization, bill),
    )


def archive_then_restore(shop: Workshop) -> Change:
    """A synced bill is archived, and comes back while it is carried over."""
    _, bill = add_synced(shop)
    shop.sandbox.archive_bill(shop.organization, bill)
    return Change("bill", bill, None, meanwhile=lambda: shop.sandbox.restore_bill(shop.organization, bill))


def move_and_back(shop: Workshop) -> Change:
    """A synced bill is moved to another vendor, and moved back while it is carried over."""
    vendor, bill = add_synced(shop)
    other, _ = add_synced(shop, 1)
    shop.change_bill(bill, vendorId=other)
    return Change("bill", bill, None, meanwhile=lambda: shop.change_bill(bill, vendorId=vendor))


def _until_email(shop: Workshop, vendor: str) -> Change:
    """The vendor gets another address meanwhile, and shows it in the end."""
    new = "newest@example.com"
    return Change(
        "vendor", vendor, None, shows={"email": new}, meanwhile=lambda: shop.change_vendor(vendor, email=new)
    )


def _until_text(shop: Workshop, bill: str, text: str) -> Change:
    """The bill gets this text meanwhile, and shows it in the end."""
    return Change(
        "bill",
        bill,
        None,
        shows={"description": text},
        meanwhile=lambda: shop.change_bill(bill, description=text),
    )


def _back_once_at_rest(bill: str, stop: Callable[[], object], mend: Callable[[], object]) -> Change:
    """Something stops the bill meanwhile; at rest, all is as it was before the change."""
    return Change(
        "bill",
        bill,
        None,
        shows={"description": "F-1", "hold": False},
        meanwhile=stop,
        later=mend,
    )


def _numbered(number: str) -> dict[str, Any]:
    return {"invoice": {"invoiceNumber": number, "invoiceDate": "2026-10-31"}}


MEANWHILE: dict[str, Scene] = {
    "create, then change": create_then_change,
    "create vendor, then change": create_then_change_vendor,
    "link, then change": link_then_change,
    "create, then move": create_then_move,
    "create, then archive": create_then_archive,
    "change twice": change_twice,
    "change and back": change_and_back,
    "change and back while held": change_back_while_held,
    "change and back while withdrawn": change_back_while_withdrawn,
    "change vendor and back": change_vendor_and_back,
    "withdraw, then approve": withdraw_then_approve,
    "archive, then restore": archive_then_restore,
    "move and back": move_and_back,
}
