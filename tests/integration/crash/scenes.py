"""What can happen to a vendor or a bill, each as a scene that is set up once and played again and again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from deploy.sandbox import seeds
from shared.store import dead_letters
from tests.integration.crash.books import add_synced, sync
from tests.integration.crash.injector import says
from tests.integration.crash.meanwhile import MEANWHILE
from tests.integration.crash.workshop import Change, Scene, Workshop
from tests.support.people import bill_line
from workers.sync.replay import replay_by_script

SUPPLIER, INVOICE = "supplier", "supplierInvoice"
CREATED = (("created", INVOICE),)
UPDATED = (("updated", INVOICE),)


def create(shop: Workshop) -> Change:
    """A bill of a vendor, both new."""
    add_synced(shop)
    bill = shop.add_bill(shop.add_vendor(1))
    return Change("bill", bill, (("created", SUPPLIER), *CREATED))


def create_supplier(shop: Workshop) -> Change:
    """A new vendor whose bill is not approved yet."""
    add_synced(shop)
    vendor = shop.add_vendor(1)
    bill = shop.add_bill(vendor, approvalStatus="UNASSIGNED")
    sync(shop, bill, "waiting")
    return Change("vendor", vendor, (("created", SUPPLIER),))


def create_invoice(shop: Workshop) -> Change:
    """A new bill of a vendor who has others."""
    vendor, _ = add_synced(shop)
    return Change("bill", shop.add_bill(vendor, "F-2"), CREATED)


def link(shop: Workshop) -> Change:
    """A bill of a new vendor whose supplier people entered long ago."""
    add_synced(shop)
    shop.add_supplier(name=seeds.vendor(seeds.SWEDEN, 1)["name"])
    shop.poll("visma")
    bill = shop.add_bill(shop.add_vendor(1))
    return Change("bill", bill, (("updated", SUPPLIER), *CREATED))


def change_vendor(shop: Workshop) -> Change:
    """A vendor of a synced bill has another address."""
    vendor, _ = add_synced(shop)
    shop.change_vendor(vendor, email="new@example.com")
    return Change("vendor", vendor, (("updated", SUPPLIER),))


def change_bill(shop: Workshop) -> Change:
    """A synced bill has another amount and one more line."""
    _, bill = add_synced(shop)
    first = {**bill_line("17.25"), "id": shop.bill(bill)["billLineItems"][0]["id"]}
    shop.change_lines(bill, first, bill_line("10.00"))
    return Change("bill", bill, UPDATED, shows={"amount": Decimal("27.25")})


def remove_line(shop: Workshop) -> Change:
    """A synced bill has one line less."""
    vendor = shop.add_vendor()
    bill = shop.add_bill(vendor, "F-1", bill_line("17.25"), bill_line("10.00"))
    sync(shop, bill)
    kept = shop.bill(bill)["billLineItems"][1]
    shop.change_lines(bill, kept)
    return Change("bill", bill, UPDATED, shows={"amount": Decimal("10.00")})


def move(shop: Workshop) -> Change:
    """A synced bill turns out to be another vendor's."""
    _, bill = add_synced(shop)
    other, _ = add_synced(shop, 1)
    shop.change_bill(bill, vendorId=other)
    return Change("bill", bill, (("deleted", INVOICE), *CREATED))


def withdraw(shop: Workshop) -> Change:
    """The approval of a synced bill is taken back."""
    _, bill = add_synced(shop)
    shop.sandbox.withdraw_approval(shop.organization, bill)
    return Change("bill", bill, UPDATED, "waiting", {"hold": True})


def approve_again(shop: Workshop) -> Change:
    """A bill on hold for want of its approval is approved again."""
    _, bill = add_synced(shop)
    shop.sandbox.withdraw_approval(shop.organization, bill)
    sync(shop, bill, "waiting")
    shop.sandbox.approve_bill(shop.organization, bill)
    return Change("bill", bill, UPDATED, shows={"hold": False})


def archive(shop: Workshop) -> Change:
    """A synced bill is archived."""
    _, bill = add_synced(shop)
    shop.sandbox.archive_bill(shop.organization, bill)
    return Change("bill", bill, (("deleted", INVOICE),), "ignored")


def restore(shop: Workshop) -> Change:
    """A bill that was archived after a sync comes back."""
    _, bill = add_synced(shop)
    shop.sandbox.archive_bill(shop.organization, bill)
    sync(shop, bill, "ignored")
    shop.sandbox.restore_bill(shop.organization, bill)
    return Change("bill", bill, CREATED)


def adopt(shop: Workshop) -> Change:
    """A person entered the bill of a synced vendor in Visma."""
    vendor, _ = add_synced(shop)
    shop.add_invoice(str(shop.record("vendor", vendor).visma_number), "F-2", "1250.00")
    shop.poll("visma")
    return Change("bill", shop.add_bill(vendor, "F-2"), ())


def release(shop: Workshop) -> Change:
    """A synced bill is to be released."""
    _, bill = add_synced(shop)
    return Change("bill", bill, (*UPDATED, ("released", INVOICE)))


def copy_documents(shop: Workshop) -> Change:
    """A new bill of a synced vendor has two documents."""
    vendor, _ = add_synced(shop)
    bill = _add_bill_with_documents(shop, vendor)
    return Change("bill", bill, (*CREATED, *_attached(2)))


def release_with_documents(shop: Workshop) -> Change:
    """A new bill has a document, and is to be released."""
    vendor, _ = add_synced(shop)
    bill = _add_bill_with_documents(shop, vendor, "faktura.pdf")
    return Change(
        "bill",
        bill,
        (*CREATED, *_attached(1), *UPDATED, ("released", INVOICE)),
        heard_again=True,  # once Visma's poll shows it
    )


def replay(shop: Workshop) -> Change:
    """Visma refused a bill for an unknown reason, which is gone; a person replays the dead letter."""
    vendor, _ = add_synced(shop)
    bill = shop.add_bill(vendor, "F-2")
    letter = _bury(shop, bill)

    def begin() -> str:
        return replay_by_script(shop.context.pool, shop.context.dispatcher, letter)

    return Change("bill", bill, CREATED, begin=begin)


def _add_bill_with_documents(shop: Workshop, vendor: str, *names: str) -> str:
    bill = shop.add_bill(vendor, "F-2")
    for name in names or ("faktura.pdf", "följesedel.pdf"):
        shop.sandbox.add_document(shop.organization, bill, name, name.encode())
    return bill


def _attached(count: int) -> tuple[tuple[str, str], ...]:
    return (("attached", INVOICE),) * count


def _bury(shop: Workshop, bill: str) -> int:
    """Let Visma refuse the bill; the number of its dead letter."""
    shop.injector.arm(kill_at=None, fault=says(400, "Kontakta din återförsäljare."), fault_at=1)
    sync(shop, bill, "dead")
    shop.injector.disarm()
    with shop.conn() as conn:
        return int(dead_letters.list_letters(conn, shop.tenant)[0]["id"])


SCENES: dict[str, Scene] = {
    "create": create,
    "create supplier": create_supplier,
    "create invoice": create_invoice,
    "link": link,
    "change vendor": change_vendor,
    "change bill": change_bill,
    "remove line": remove_line,
    "move": move,
    "withdraw": withdraw,
    "approve again": approve_again,
    "archive": archive,
    "restore": restore,
    "adopt": adopt,
    "release": release,
    "documents": copy_documents,
    "release with documents": release_with_documents,
    "replay": replay,
    **MEANWHILE,
}

SETTINGS: dict[str, dict[str, Any]] = {
    "release": {"release_invoices": True},
    "documents": {"attachments": True},
    "release with documents": {"release_invoices": True, "attachments": True},
}
"""Keys of the tenant's ``sync`` table; without, nothing is released, and no document is copied."""
