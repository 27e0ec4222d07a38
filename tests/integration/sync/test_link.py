"""A person says which supplier a vendor is; what waited for it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import UsageError
from shared.store import history, links
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from workers.sync.link import HandLink, Linker

pytestmark = pytest.mark.integration

TAX_ID = "SE556677889901"
BARE = "556677-8899"


def link(bench: Bench, vendor_id: str, number: str, by: str = "anna") -> HandLink:
    with bench.conn() as conn:
        context, config = bench.context, bench.config
        linker = Linker(config, conn, context.bill(config), context.visma(config), context.clock)
        return linker.link(vendor_id, number, by=by)


def refusal(bench: Bench, vendor_id: str, number: str) -> str:
    """Why a link is refused; nothing of it is stored."""
    with pytest.raises(UsageError) as refused:
        link(bench, vendor_id, number)
    with bench.conn() as conn:
        assert links.find_link(conn, bench.tenant, vendor_id) != number
    return str(refused.value)


def test_a_held_vendor_is_freed_with_its_bills_in_order(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"unmatched_vendors": "hold"})
    number = bench.add_supplier(name="Något annat")
    vendor = bench.add_vendor()
    bills = [bench.add_bill(vendor, f"F-{number}") for number in range(3)]
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "no_supplier")
    assert {bench.state("bill", bill) for bill in bills} == {("held", "vendor_held")}

    done = link(bench, vendor, number)
    assert (done.supplier.name, done.waiting, len(done.due)) == ("Något annat", 3, 1)
    runs = bench.work_off()
    assert [run.bill_id for run in runs] == [vendor, *bills], "in the order they came"
    assert [bench.state("bill", bill) for bill in bills] == [("synced", None)] * 3
    assert bench.record("vendor", vendor).visma_number == number
    with bench.conn() as conn:
        entries = history.list_entries(conn, bench.tenant, "vendor", vendor)
    assert [(entry["actor"], entry["action"]) for entry in entries][1] == ("anna", "linked_by_hand")
    assert "by connector link" in entries[-1]["detail"]


def test_a_link_survives_that_the_supplier_is_nothing_like_the_vendor(bench: Bench) -> None:
    number = bench.add_supplier(name="Något annat", corporateId="556000-0001")
    bench.add_supplier(name="Lockfågel", corporateId=BARE)
    vendor = bench.add_vendor(additionalInfo={"taxId": TAX_ID})
    bench.poll("visma")
    link(bench, vendor, number)
    bench.work_off()
    bench.change_vendor(vendor, name="Nytt namn")
    bench.sync()
    assert bench.record("vendor", vendor).visma_number == number


def test_a_wrong_link_is_corrected_and_its_documents_move(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor, "F-1")
    released = bench.add_bill(vendor, "F-2")
    bench.sync()
    wrong = bench.record("vendor", vendor).visma_number
    bench.sandbox.release_invoice(bench.company, str(bench.record("bill", released).visma_number))
    right = bench.add_supplier(name="Den rätta")

    link(bench, vendor, right)
    bench.work_off()
    assert bench.record("vendor", vendor).visma_number == right != wrong
    assert bench.invoice_of(bill)["supplier"]["number"] == right
    assert len(bench.invoices()) == 2, "moved, not doubled"
    assert bench.state("bill", released) == ("held", "invoice_released")


def test_a_vendor_and_a_supplier_never_seen_are_asked_for_once(bench: Bench) -> None:
    number, vendor = bench.add_supplier(name="Osedd"), bench.add_vendor()
    calls = bench.count_calls(lambda: link(bench, vendor, number))
    assert calls["visma"] == 1
    bench.poll("visma")
    bench.work_off()
    assert bench.record("vendor", vendor).visma_number == number


def test_unknown_ones_are_refused(bench: Bench) -> None:
    vendor, number = bench.add_vendor(), bench.add_supplier()
    assert "Visma has no supplier 99999" in refusal(bench, vendor, "99999")
    assert "BILL has no vendor 009nobody" in refusal(bench, "009nobody", number)
    assert "BILL has no vendor x/y" in refusal(bench, "x/y", number)


def test_a_supplier_of_another_vendor_is_refused_and_says_whose(bench: Bench) -> None:
    first, second = bench.add_vendor(0), bench.add_vendor(1)
    bench.sync()
    number = str(bench.record("vendor", first).visma_number)
    told = refusal(bench, second, number)
    assert first in told
    assert str(bench.record("vendor", first).label) in told

    free = bench.add_supplier()
    link(bench, first, free)
    assert first in refusal(bench, second, free), "also before the link is carried out"
    assert first in refusal(bench, second, number), "it is still there"
    bench.work_off()
    link(bench, second, number)
    bench.work_off()
    assert bench.record("vendor", second).visma_number == number


def test_another_vendor_with_the_suppliers_number_is_told_that_it_is_taken(bench: Bench) -> None:
    number = bench.add_supplier(corporateId=BARE)
    tied = bench.add_vendor(0, additionalInfo={})
    bench.poll("visma")
    link(bench, tied, number)
    bench.sandbox.archive_vendor(bench.organization, tied)  # it will never come to be linked itself
    other = bench.add_vendor(1, additionalInfo={"taxId": TAX_ID})
    bench.sync()
    assert bench.state("vendor", other) == ("held", "supplier_taken")


def test_the_tenants_file_is_not_contradicted(bench: Bench) -> None:
    vendor, other = bench.add_vendor(0), bench.add_vendor(1)
    in_file, number = bench.add_supplier(), bench.add_supplier()
    config = bench.config
    bench.apply(replace(config, mapping=replace(config.mapping, suppliers={vendor: in_file})))
    assert f"to supplier {in_file}" in refusal(bench, vendor, number)
    assert f"to vendor {vendor}" in refusal(bench, other, in_file)
    link(bench, vendor, in_file)
