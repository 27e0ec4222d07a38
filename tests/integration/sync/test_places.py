"""A worker without a place gives the row back: soon, uncounted, and without a call."""

from __future__ import annotations

import pytest

from shared.bill import calls
from shared.clock import utc_now
from shared.limits import Places
from shared.store.records import Heard
from tests.support.bench import Bench
from workers.sync import work

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a place here."""
    assert max(calls.PLACE_WAIT_S, work.TURN_WAIT_S) <= 5, "a thread is not blocked for longer"
    monkeypatch.setattr(calls, "PLACE_WAIT_S", 0.0)
    monkeypatch.setattr(work, "TURN_WAIT_S", 0.0)


@pytest.mark.parametrize("side", ["bill", "visma"])
def test_a_row_without_a_place_comes_back_uncounted(bench: Bench, side: str) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bill = bench.add_bill(vendor)
    key = f"bill:{bench.organization}" if side == "bill" else f"visma-turn:{bench.company}"
    limits = bench.config.limits
    limit = limits.bill_concurrency if side == "bill" else limits.visma_concurrency
    before = bench.sandbox.count_calls(system="visma", tenant=bench.company, method="POST")
    places = Places(bench.context.redis)
    holders = [places.hold(key, limit) for _ in range(limit)]
    for holder in holders:
        holder.__enter__()
    bench.hear(Heard("bill", bill))
    (run,) = bench.work_off()
    record = bench.record("bill", bill)
    assert (run.word, record.attempts, record.intention) == ("retry", 0, None)
    assert run.countdown_s <= 1
    assert "are taken" in str(record.detail)
    assert bench.sandbox.count_calls(system="visma", tenant=bench.company, method="POST") == before

    for holder in holders:
        holder.__exit__(None, None, None)
    bench.pass_time(2)
    assert bench.state("bill", bill) == ("synced", None)


def test_a_spent_hour_parks_the_row_until_the_next(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bill = bench.add_bill(vendor)
    bench.context.budget.block(f"visma:{bench.company}", 1800)
    bench.hear(Heard("bill", bill))
    (run,) = bench.work_off()
    record = bench.record("bill", bill)
    assert (run.word, record.attempts) == ("parked", 0)
    assert record.next_attempt_at is not None
    assert 1700 < (record.next_attempt_at - utc_now()).total_seconds() <= 1800
    bench.pass_time(1802)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
