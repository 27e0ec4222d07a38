"""Walks of Visma's lists: odd times in them hide nothing, and what they show is judged in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.store import records, visma_index, watermarks
from shared.store.pool import Conn
from shared.store.watermarks import Poll
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench

pytestmark = pytest.mark.integration


def knows(bench: Bench, number: str) -> bool:
    """Whether the index has this supplier."""
    with bench.conn() as conn:
        return visma_index.find_entry(conn, bench.tenant, "supplier", "Supplier", number) is not None


def forget(bench: Bench, number: str) -> None:
    """As if a walk had never shown this supplier."""
    with bench.conn() as conn:
        visma_index.remove_entry(conn, bench.tenant, "supplier", "Supplier", number)


def position(bench: Bench) -> str:
    """How far the walk of the suppliers has come."""
    with bench.conn() as conn:
        row = watermarks.find_watermark(conn, bench.tenant, "visma", "supplier")
    assert row is not None
    return str(row["position"])


def test_a_time_in_the_far_future_hides_nothing_that_changes_after_it(bench: Bench) -> None:
    bench.add_supplier(name="Först AB")
    ahead = bench.add_supplier(name="Framtid AB", lastModifiedDateTime="2036-01-01T00:00:00+00:00")
    bench.poll("visma")
    later = bench.add_supplier(name="Sedan AB")
    bench.poll("visma")
    assert position(bench) < "2036"
    assert knows(bench, ahead)
    assert knows(bench, later)


def test_the_first_walk_of_a_day_looks_back_over_a_whole_one(bench: Bench) -> None:
    hidden = bench.add_supplier(name="Gömd AB", lastModifiedDateTime=iso(bench, hours=-20))
    new = bench.add_supplier(name="Ny AB")
    bench.poll("visma")
    forget(bench, hidden)
    bench.poll("visma")
    assert knows(bench, new)
    assert not knows(bench, hidden), "every walk looks back two hours, this one was not the day's first"
    with bench.conn() as conn:  # the last walk was yesterday's
        conn.execute("UPDATE watermarks SET last_complete_at = last_complete_at - interval '1 day'")
    bench.poll("visma")
    assert knows(bench, hidden)


def iso(bench: Bench, *, hours: float) -> str:
    """A moment so many hours from now."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_a_copy_that_appears_long_after_its_document_is_doubled(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), "D-1")
    bench.sync()
    kind: visma_index.IndexKind = "supplier_invoice"
    copy = visma_index.Entry(bench.tenant, kind, "Invoice", "999999", "Balanced", "etag", bill_id=bill)
    lately = datetime.now(UTC) - timedelta(minutes=5)
    with bench.conn() as conn:  # the document itself is in no walk's window any more
        conn.execute("UPDATE visma_index SET seen_at = seen_at - interval '3 days'")
        assert records.find_unlike(conn, bench.tenant, lately) == []
        visma_index.put_entries(conn, [copy])
        assert records.find_unlike(conn, bench.tenant, lately) == [bill]
        visma_index.put_entries(conn, [replace(copy, status="Voided")])
        assert records.find_unlike(conn, bench.tenant, lately) == []


def test_a_walk_that_ends_before_its_watermark_moved_is_judged_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = bench.add_bill(bench.add_vendor(), "D-2")
    bench.sync()
    supplier = bench.invoice_of(bill)["supplier"]["number"]
    bench.add_invoice(supplier, "D-2 b", "1250.00", note=f"BILL:{bill}")

    complete = watermarks.complete

    def killed(conn: Conn, poll: Poll, **values: Any) -> None:
        if poll.kind == "supplier_invoice":
            raise KeyboardInterrupt
        complete(conn, poll, **values)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(watermarks, "complete", killed)
        bench.poll("visma")
    bench.work_off()
    assert bench.state("bill", bill) == ("held", "doubled")


def test_a_walk_frees_what_it_shows_the_cause_of_to_be_gone(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"unmatched_vendors": "hold"})
    vendor = bench.add_vendor(name="Sent omsider AB", additionalInfo={})
    bill = bench.add_bill(vendor, "W-1")
    bench.sync()
    assert bench.state("vendor", vendor) == ("held", "no_supplier")
    bench.add_supplier(name="Sent omsider")
    bench.poll("visma")
    bench.work_off()
    assert bench.state("vendor", vendor) == ("synced", None)
    assert bench.state("bill", bill) == ("synced", None)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_pages_that_visma_cuts_smaller_than_asked_for_lose_nothing(bench: Bench, most: int) -> None:
    numbers = [bench.add_supplier(name=f"Leverantör {place} AB") for place in range(5)]
    bench.sandbox.company_settings(bench.company, max_page_size=most)
    assert bench.count_calls(lambda: bench.poll("visma"))["visma"] == -(-len(numbers) // most) + 1
    assert all(knows(bench, number) for number in numbers)
