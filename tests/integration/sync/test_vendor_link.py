"""A vendor in BILL becomes, or finds, its supplier in Visma; each exactly once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.tenants import TenantConfig
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench

pytestmark = pytest.mark.integration

TAX_ID = "SE556677889901"
BARE = "556677-8899"


def words(runs: list[Any]) -> list[str]:
    return [run.word for run in runs]


def test_a_new_vendor_becomes_a_supplier_field_by_field(bench: Bench) -> None:
    address = {
        "line1": "Ågatan 7", "line2": "3 tr", "zipOrPostalCode": "903 25", "city": "Umeå", "country": "SE",
    }  # fmt: skip
    vendor = bench.add_vendor(
        name="Åkes Öl & Café AB", address=address, email="ake@example.com", phone="+46 90 1",
        additionalInfo={"taxId": TAX_ID}, paymentInformation={"bankAccount": {"accountNumber": "12345678"}},
    )  # fmt: skip
    assert words(bench.sync()) == ["created"]
    shown = bench.supplier_of(vendor)
    assert (shown["name"], shown["accountReference"], shown["currencyId"]) == (
        "Åkes Öl & Café AB",
        vendor,
        "SEK",
    )
    assert (shown["vatRegistrationId"], shown["corporateId"]) == (TAX_ID, None)
    main = shown["mainAddress"]
    assert [main[name] for name in ("addressLine1", "addressLine2", "postalCode", "city")] == [
        "Ågatan 7",
        "3 tr",
        "903 25",
        "Umeå",
    ]
    assert main["country"]["id"] == "SE"
    assert (shown["mainContact"]["name"], shown["mainContact"]["email"], shown["mainContact"]["phone1"]) == (
        "Åkes Öl & Café AB",
        "ake@example.com",
        "+46 90 1",
    )
    assert shown["supplierPaymentMethodDetails"] == [], "a payee's account is changed by people"
    assert bench.state("vendor", vendor) == ("synced", None)
    assert bench.history("vendor", vendor) == ["created"]


def test_a_foreign_vendor_gets_the_class_and_zone_of_its_country(bench: Bench) -> None:
    address = {"line1": "Weg 1", "zipOrPostalCode": "10115", "city": "Berlin", "country": "DE"}
    vendor = bench.add_vendor(name="Müller GmbH", address=address, billCurrency="EUR")
    bench.sync()
    shown = bench.supplier_of(vendor)
    assert (shown["supplierClass"]["id"], shown["vatZone"]["id"], shown["currencyId"]) == ("2", "02", "EUR")


def test_a_name_too_long_for_visma_is_kept_whole_in_the_note(bench: Bench) -> None:
    name = "Föreningen för " + "å" * 60
    vendor = bench.add_vendor(name=name)
    bench.sync()
    shown = bench.supplier_of(vendor)
    assert (shown["name"], shown["note"]) == (name[:60], name)


FOUND_BY = {
    "corporate_id": {"corporateId": BARE},
    "vat_registration_id": {"vatRegistrationId": "SE 556677889901"},
    "name": {"name": "kontorsbolaget"},
}


@pytest.mark.parametrize("how", FOUND_BY)
def test_a_supplier_that_is_there_is_found(bench: Bench, how: str) -> None:
    number = bench.add_supplier(**FOUND_BY[how])
    vendor = bench.add_vendor(name="KontorsBolaget  AB", additionalInfo={"taxId": TAX_ID})
    assert words(bench.sync()) == ["linked"]
    assert bench.record("vendor", vendor).visma_number == number
    assert len(bench.suppliers()) == 1
    assert bench.suppliers()[0]["accountReference"] == vendor, "our marker is put where it was empty"
    assert f"by {how}" in bench.details("vendor", vendor)[0]


def test_our_marker_goes_before_everything_else(bench: Bench) -> None:
    vendor = bench.add_vendor(name="Kontorsbolaget AB", additionalInfo={"taxId": TAX_ID})
    bench.add_supplier(name="Kontorsbolaget AB", corporateId=BARE)
    marked = bench.add_supplier(name="Helt annat namn", accountReference=vendor)
    bench.sync()
    assert bench.record("vendor", vendor).visma_number == marked
    assert bench.supplier_of(vendor)["name"] == "Helt annat namn", "what a person filled in is not overruled"


def test_what_a_person_filled_in_is_never_overruled_by_the_link(bench: Bench) -> None:
    number = bench.add_supplier(
        name="Kontorsbolaget", corporateId="556000-0001", mainContact={"email": "bokforing@example.com"}
    )
    vendor = bench.add_vendor(
        name="Kontorsbolaget AB", email="faktura@example.com", phone="+46 1", additionalInfo={}
    )
    bench.sync()
    shown = bench.supplier_of(vendor)
    assert shown["number"] == number
    assert (shown["name"], shown["corporateId"]) == ("Kontorsbolaget", "556000-0001")
    assert shown["mainContact"]["email"] == "bokforing@example.com"
    assert shown["mainContact"]["phone1"] == "+46 1", "what was empty is filled in"


def test_a_matched_supplier_is_left_alone_where_the_tenant_says_so(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"update_matched_suppliers": False})
    bench.add_supplier(name="Kontorsbolaget", corporateId=BARE)
    vendor = bench.add_vendor(name="Kontorsbolaget AB", additionalInfo={"taxId": TAX_ID})
    bench.sync()
    bench.change_vendor(vendor, email="ny@example.com")
    bench.sync()
    assert bench.state("vendor", vendor) == ("synced", None)
    assert bench.effects() == []


def test_a_link_by_hand_is_followed(bench: Bench) -> None:
    number = bench.add_supplier(name="Något annat")
    vendor = bench.add_vendor()
    bench.apply(_with_link(bench, {vendor: number}))
    bench.sync()
    assert bench.record("vendor", vendor).visma_number == number


def _with_link(bench: Bench, links: dict[str, str]) -> TenantConfig:
    config = bench.config
    return replace(config, mapping=replace(config.mapping, suppliers=links))


def test_two_vendors_linked_to_one_supplier_by_hand_are_told(bench: Bench) -> None:
    number = bench.add_supplier()
    first, second = bench.add_vendor(0), bench.add_vendor(1)
    bench.apply(_with_link(bench, {first: number, second: number}))
    bench.sync()
    assert sorted([bench.state("vendor", first), bench.state("vendor", second)]) == [
        ("held", "supplier_taken"),
        ("synced", None),
    ]


def test_a_link_by_hand_to_nowhere_is_told(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.apply(_with_link(bench, {vendor: "59999"}))
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "no_supplier")


# --- what a person must settle ---------------------------------------------------------------------


def test_several_suppliers_with_its_number_are_ambiguous_until_one_is_left(bench: Bench) -> None:
    one, other = (
        bench.add_supplier(name="Ett", corporateId=BARE),
        bench.add_supplier(name="Två", corporateId=BARE),
    )
    vendor = bench.add_vendor(additionalInfo={"taxId": TAX_ID})
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "ambiguous_supplier")
    told = str(bench.record("vendor", vendor).detail)
    assert one in told
    assert other in told
    bench.change_supplier(other, corporateId="556000-0001")
    bench.pass_time(301)
    bench.sync()
    assert bench.record("vendor", vendor).visma_number == one
    assert len(bench.suppliers()) == 2


def test_a_name_that_agrees_with_a_number_that_does_not_is_ambiguous(bench: Bench) -> None:
    bench.add_supplier(name="Kontorsbolaget AB", corporateId="556000-0001")
    vendor = bench.add_vendor(name="Kontorsbolaget AB", additionalInfo={"taxId": TAX_ID})
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "ambiguous_supplier")
    assert bench.effects() == []


def test_a_supplier_belongs_to_one_vendor(bench: Bench) -> None:
    bench.add_supplier(name="Kontorsbolaget AB", corporateId=BARE)
    first = bench.add_vendor(name="Kontorsbolaget AB", additionalInfo={"taxId": TAX_ID})
    bench.sync()
    by_number = bench.add_vendor(name="Dubbletten", additionalInfo={"taxId": BARE})
    by_name = bench.add_vendor(name="Kontorsbolaget AB", additionalInfo={})
    bench.sync()
    assert bench.state("vendor", first) == ("synced", None)
    assert bench.state("vendor", by_number) == ("held", "supplier_taken")
    assert first in str(bench.record("vendor", by_number).detail)
    assert bench.state("vendor", by_name) == ("synced", None), "a linked supplier is no candidate by name"
    assert len(bench.suppliers()) == 2


def test_two_new_vendors_of_one_name_do_not_share_a_supplier(bench: Bench) -> None:
    vendors = [bench.add_vendor(name="Kontorsbolaget AB", additionalInfo={}) for _ in range(2)]
    bench.sync()
    numbers = {bench.record("vendor", vendor).visma_number for vendor in vendors}
    assert len(numbers) == 2


def test_an_unknown_vendor_waits_for_its_supplier_where_the_tenant_says_so(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"unmatched_vendors": "hold"})
    vendor = bench.add_vendor(additionalInfo={"taxId": TAX_ID})
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "no_supplier")
    number = bench.add_supplier(corporateId=BARE)
    bench.pass_time(301)
    bench.sync()
    assert bench.record("vendor", vendor).visma_number == number
    assert bench.history("vendor", vendor) == ["held", "linked"]


def test_an_archived_vendor_that_no_bill_asks_for_is_ignored(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sandbox.archive_vendor(bench.organization, vendor)
    bench.sync()
    assert bench.state("vendor", vendor) == ("ignored", None)
    bench.sandbox.restore_vendor(bench.organization, vendor)
    assert words(bench.sync()) == ["created"]


# --- before anything is created --------------------------------------------------------------------


def test_nothing_is_created_before_visma_was_read_whole(bench: Bench) -> None:
    vendor = bench.add_vendor(name="Kontorsbolaget", additionalInfo={})
    number = bench.add_supplier(name="Kontorsbolaget")
    bench.poll("bill")
    assert words(bench.work_off()) == ["waits: walk_first"]
    assert bench.effects() == []
    bench.poll("visma")
    assert words(bench.work_off()) == ["linked"]
    assert bench.record("vendor", vendor).visma_number == number


def test_nor_when_visma_was_read_too_long_ago(bench: Bench) -> None:
    bench.sync()
    vendor = bench.add_vendor()
    bench.pass_time(2 * 300 + 60)
    bench.poll("bill")
    assert words(bench.work_off()) == ["waits: walk_first"]
    bench.poll("visma")
    bench.work_off()
    assert bench.state("vendor", vendor) == ("synced", None)


def test_a_tenant_that_rests_is_left_alone(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.poll()
    with bench.conn() as conn:
        conn.execute("UPDATE tenants SET paused = true")
    assert bench.run("vendor", vendor).word == "paused"
    assert bench.effects() == []
