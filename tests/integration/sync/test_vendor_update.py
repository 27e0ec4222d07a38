"""A vendor that changes in BILL changes its supplier, and only in what BILL changed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from shared import jsontext
from shared.store.records import Heard
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench

pytestmark = pytest.mark.integration


@pytest.fixture
def vendor(bench: Bench) -> str:
    """A synced vendor."""
    vendor = bench.add_vendor(name="Kontoret AB", email="a@example.com", phone="+46 1")
    bench.sync()
    return vendor


def test_a_change_in_bill_is_written_and_nothing_else(bench: Bench, vendor: str) -> None:
    before = bench.supplier_of(vendor)
    bench.change_supplier(before["number"], paymentLeadTime=Decimal(5))
    bench.change_vendor(vendor, email="b@example.com")
    assert [run.word for run in bench.sync()] == ["updated"]
    shown = bench.supplier_of(vendor)
    assert shown["mainContact"] == {**before["mainContact"], "email": "b@example.com"}
    assert shown["mainAddress"] == before["mainAddress"]
    assert bench.history("vendor", vendor) == ["created", "updated"]


def test_what_did_not_change_for_visma_is_no_call(bench: Bench, vendor: str) -> None:
    bench.change_vendor(vendor, shortName="K")
    bench.poll()
    calls = bench.count_calls(bench.work_off)
    assert calls == {"bill": 0, "visma": 0}
    assert bench.state("vendor", vendor) == ("synced", None)


def test_what_a_person_changed_in_visma_stays(bench: Bench, vendor: str) -> None:
    number = bench.supplier_of(vendor)["number"]
    bench.change_supplier(number, mainContact={"phone1": "+46 99", "attention": "Eva"}, name="Kontoret (Eva)")
    bench.change_vendor(vendor, email="b@example.com")
    bench.sync()
    shown = bench.supplier_of(vendor)
    assert shown["name"] == "Kontoret (Eva)"
    assert (shown["mainContact"]["phone1"], shown["mainContact"]["attention"]) == ("+46 99", "Eva")
    assert shown["mainContact"]["email"] == "b@example.com"


def test_where_both_changed_the_same_nobody_is_overruled(bench: Bench, vendor: str) -> None:
    number = bench.supplier_of(vendor)["number"]
    bench.change_supplier(number, mainContact={"email": "person@example.com"})
    bench.change_vendor(vendor, email="bill@example.com")
    effects = bench.effects()
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "edited_in_visma")
    told = str(bench.record("vendor", vendor).detail)
    assert "person@example.com" in told
    assert "bill@example.com" in told
    assert bench.effects() == effects
    bench.change_supplier(number, mainContact={"email": "bill@example.com"})
    bench.pass_time(301)
    bench.sync()
    assert bench.state("vendor", vendor) == ("synced", None)


def test_an_edit_between_our_look_and_our_write_is_not_lost(bench: Bench, vendor: str) -> None:
    bench.sandbox.add_fault(
        "race",
        system="visma",
        tenant=bench.company,
        method="PUT",
        change={"mainContact": {"phone1": "+46 7"}},
    )
    bench.change_vendor(vendor, email="b@example.com")
    bench.sync()
    assert bench.sandbox.count_calls(system="visma", tenant=bench.company, method="PUT", status=412) == 1
    contact = bench.supplier_of(vendor)["mainContact"]
    assert (contact["phone1"], contact["email"]) == ("+46 7", "b@example.com")


def test_what_bill_no_longer_has_is_cleared(bench: Bench, vendor: str) -> None:
    bench.change_vendor(vendor, phone="")
    bench.sync()
    assert bench.supplier_of(vendor)["mainContact"]["phone1"] is None
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "a@example.com"


def test_a_notification_which_is_only_nearly_whole_clears_nothing(bench: Bench, vendor: str) -> None:
    told = {"id": vendor, "name": "Kontoret Nord AB", "archived": False}
    now = bench.clock.advance(60)
    content = jsontext.dumps({**told, "updatedTime": now.isoformat(timespec="milliseconds")}).encode()
    bench.hear(replace(Heard("vendor", vendor, now, content), whole=False))
    bench.work_off()
    shown = bench.supplier_of(vendor)
    assert (shown["name"], shown["mainContact"]["phone1"]) == ("Kontoret Nord AB", "+46 1")
    assert shown["mainAddress"]["city"] is not None


def test_registration_class_and_currency_are_told_never_overruled(bench: Bench, vendor: str) -> None:
    before = bench.supplier_of(vendor)
    bench.change_vendor(vendor, additionalInfo={"taxId": "SE556677889901"}, billCurrency="EUR")
    bench.sync()
    shown = bench.supplier_of(vendor)
    assert (shown["vatRegistrationId"], shown["currencyId"]) == (
        before["vatRegistrationId"],
        before["currencyId"],
    )
    assert bench.state("vendor", vendor) == ("synced", None)
    assert any("SE556677889901" in words for words in bench.details("vendor", vendor)), "people are told"


def test_archiving_puts_on_hold_where_the_tenant_says_so(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"archived_vendors": "on_hold"})
    vendor = bench.add_vendor()
    bench.sync()
    bench.sandbox.archive_vendor(bench.organization, vendor)
    bench.sync()
    assert bench.supplier_of(vendor)["status"] == "OnHold"
    bench.sandbox.restore_vendor(bench.organization, vendor)
    bench.sync()
    assert bench.supplier_of(vendor)["status"] == "Active"


def test_archiving_changes_nothing_by_default(bench: Bench, vendor: str) -> None:
    bench.sandbox.archive_vendor(bench.organization, vendor)
    bench.sync()
    assert bench.supplier_of(vendor)["status"] == "Active"


def test_a_repeated_upsert_writes_nothing(bench: Bench, vendor: str) -> None:
    effects = bench.effects()
    for _ in range(3):
        assert [run.word for run in bench.force("vendor", vendor)] == ["unchanged"]
    assert bench.effects() == effects
    assert bench.history("vendor", vendor) == ["created"]


def test_a_vendor_known_from_a_notification_is_filled_in_by_its_page(bench: Bench) -> None:
    bench.poll("visma")
    vendor = bench.add_vendor(email="a@example.com")
    now = bench.clock.advance(-60)
    told = {"id": vendor, "name": "Kontoret AB", "updatedTime": now.isoformat(timespec="milliseconds")}
    bench.hear(replace(Heard("vendor", vendor, now, jsontext.dumps(told).encode()), whole=False))
    assert [run.word for run in bench.work_off()] == ["created"]
    assert bench.supplier_of(vendor)["mainContact"]["email"] is None
    bench.poll("bill")
    assert [run.word for run in bench.work_off()] == ["updated"]
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "a@example.com"
    assert len(bench.suppliers()) == 1
