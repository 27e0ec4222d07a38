"""A payee's account is changed by people in Visma; the history says when BILL's has changed."""

from __future__ import annotations

from typing import Any

import pytest

from shared import jsontext
from shared.bill.schema_fields import parse_timestamp
from shared.store.records import Heard
from tests.support.bench import Bench

pytestmark = pytest.mark.integration


def told(bench: Bench, vendor: str) -> int:
    """How often the history says that the payment details changed."""
    return sum("payment details changed in BILL" in text for text in bench.details("vendor", vendor))


def pay(kind: str, **fields: Any) -> dict[str, Any]:
    """A change of how a vendor is paid, and of other fields with it."""
    return {"paymentInformation": {"payByType": kind}, **fields}


def notify(bench: Bench, vendor: str) -> None:
    """A webhook with the vendor as it is; work it off."""
    rows = bench.sandbox.organization_state(bench.organization, "vendors")
    shown = next(row for row in rows if row["id"] == vendor)
    at = parse_timestamp(shown["updatedTime"])
    bench.hear(Heard("vendor", vendor, at, jsontext.dumps(shown).encode(), whole=False, label=shown["name"]))
    bench.work_off()


@pytest.mark.parametrize("with_it", [{}, {"name": "Nytt namn AB"}], ids=["alone", "with a new name"])
def test_changed_payment_details_are_told_once_and_never_copied(
    bench: Bench, with_it: dict[str, str]
) -> None:
    vendor = bench.add_vendor(**pay("CHECK"))
    bench.sync()
    writes = len(bench.effects())
    bench.change_vendor(vendor, **pay("ACH", **with_it))
    bench.sync()
    bench.sync()
    assert told(bench, vendor) == 1
    assert len(bench.effects()) == writes + len(with_it)


def test_first_details_of_a_vendor_without_any_are_told(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bench.change_vendor(vendor, **pay("ACH"))
    bench.sync()
    assert told(bench, vendor) == 1


def test_a_notification_proves_nothing_and_the_poll_after_it_does(bench: Bench) -> None:
    vendor = bench.add_vendor(**pay("CHECK"))
    notify(bench, vendor)
    bench.sync()
    bench.change_vendor(vendor, **pay("ACH"))
    notify(bench, vendor)
    assert told(bench, vendor) == 0
    bench.sync()
    assert told(bench, vendor) == 1


def test_what_a_notification_leaves_out_is_cleared_by_the_poll_after_it(bench: Bench) -> None:
    vendor = bench.add_vendor(email="a@example.com")
    bench.sync()
    bench.change_vendor(vendor, email=None)
    notify(bench, vendor)
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "a@example.com"
    bench.sync()
    assert bench.supplier_of(vendor)["mainContact"]["email"] is None
