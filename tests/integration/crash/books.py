"""The books that a scene begins with."""

from __future__ import annotations

from shared.store.records import Heard
from tests.integration.crash.workshop import Workshop


def add_synced(shop: Workshop, place: int = 0) -> tuple[str, str]:
    """A vendor and its bill, both in Visma; their ids."""
    vendor = shop.add_vendor(place)
    bill = shop.add_bill(vendor, "F-1")
    sync(shop, bill)
    return vendor, bill


def sync(shop: Workshop, bill: str, state: str = "synced") -> None:
    """Carry a bill over, until it is in this state."""
    shop.hear(Heard("bill", bill, forced=True))
    shop.work_off()
    assert shop.state("bill", bill)[0] == state
