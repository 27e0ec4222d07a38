"""Bills that wait for approval are read again in batches, whatever BILL's list makes of that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bench import Bench

pytestmark = pytest.mark.integration


@pytest.fixture
def bill(bench: Bench) -> str:
    """A bill that waits."""
    found = bench.add_bill(bench.add_vendor(), "W-1", approvalStatus="ASSIGNED")
    bench.sync()
    assert bench.state("bill", found) == ("waiting", None)
    return found


def trap(bench: Bench, kind: str, **settings: Any) -> None:
    """Spoil reads of this organization's bills."""
    bench.sandbox.add_fault(kind, system="bill", tenant=bench.organization, **settings)


def test_an_empty_page_with_a_next_one_is_no_end(bench: Bench, bill: str) -> None:
    bench.sandbox.approve_bill(bench.organization, bill)
    trap(bench, "empty_page", route=r"/v3/bills$")
    assert bench.count_calls(lambda: bench.poll("waiting")) == {"bill": 2, "visma": 0}
    assert [run.word for run in bench.work_off()] == ["created"]


def test_one_that_bill_lists_no_more_is_read_by_itself(bench: Bench, bill: str) -> None:
    trap(bench, "empty_page", route=r"/v3/bills$", times=2)  # the same cursor again: the list is no help
    trap(bench, "status", route=rf"/v3/bills/{bill}$", status=404, code="BDC_1205")
    bench.poll("waiting")
    bench.work_off()
    assert bench.state("bill", bill) == ("ignored", None)


def test_one_that_stands_in_visma_and_is_gone_from_bill_is_a_persons_to_decide(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), "W-2")
    bench.sync()
    before = bench.invoices()
    trap(bench, "status", route=rf"/v3/bills/{bill}$", status=404, code="BDC_1205")
    bench.force("bill", bill)
    assert bench.state("bill", bill) == ("held", "not_in_bill")
    assert str(bench.record("bill", bill).visma_number) in str(bench.record("bill", bill).detail)
    assert bench.invoices() == before
    bench.change_bill(bill, description="found again")
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
