"""A system that is down for hours: no storm, no dead letter, and everything is caught up by itself."""

from __future__ import annotations

from typing import Any

import pytest

from shared.circuit import LONGEST_GAP_S, OPENS_AT
from shared.store import dead_letters, watermarks
from shared.store.records import Heard
from tests.support.bench import Bench
from workers.base import MAX_ATTEMPTS

pytestmark = pytest.mark.integration

BILLS = 8
STEP_S = 600.0
STEPS = 24

UNAVAILABLE = {"kind": "status", "status": 503, "retry_after": 1}
BROKEN = {"kind": "drop", "when": "before"}


@pytest.mark.parametrize(
    ("system", "how"), [("bill", UNAVAILABLE), ("visma", BROKEN), ("token", UNAVAILABLE)]
)
def test_hours_without_a_system(bench: Bench, system: str, how: dict[str, Any]) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bench.sandbox.expire_tokens(bench.company)
    bench.sandbox.add_fault(system=system, times=None, **how)
    bills = [bench.add_bill(vendor, f"F-{number}") for number in range(BILLS)]
    for bill in bills:
        bench.hear(Heard("bill", bill))
    bench.work_off()
    first = count_calls(bench, system)
    assert first <= OPENS_AT + 1, "once it is open nobody calls, the bills stay due"

    for _ in range(STEPS):
        bench.pass_time(STEP_S)
        bench.poll()
    probes = count_calls(bench, system) - first
    assert STEPS / 4 <= probes <= STEPS * STEP_S / LONGEST_GAP_S + 20, "one probe at a time, to the end"
    assert open_letters(bench) == {}
    assert max(bench.record("bill", bill).attempts for bill in bills) < MAX_ATTEMPTS
    assert bench.invoices() == []

    bench.sandbox.clear_faults()
    bench.pass_time(LONGEST_GAP_S)
    for _ in range(4):  # what was parked for longer comes when its time does
        bench.poll()
        bench.pass_time(STEP_S)
    assert [bench.state("bill", bill)[0] for bill in bills] == ["synced"] * BILLS
    assert len(bench.invoices()) == BILLS


def count_calls(bench: Bench, system: str) -> int:
    """Calls to a system that got no answer."""
    lines = bench.sandbox.calls()["lines"]
    return sum(line["count"] for line in lines if line["system"] == system and line["status"] in {0, 503})


def open_letters(bench: Bench) -> dict[str, int]:
    with bench.conn() as conn:
        return dead_letters.count_open(conn)


def test_a_backfill_outlasts_an_outage_and_lost_messages(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.poll("visma")
    bills = [bench.add_bill(vendor, f"F-{number}") for number in range(3)]
    with bench.conn() as conn:
        watermarks.begin_backfill(conn, bench.tenant, None)
    bench.sandbox.add_fault("status", system="bill", tenant=bench.organization, status=503, times=None)
    for _ in range(STEPS):
        bench.poll("visma", "backfill")
        bench.pass_time(STEP_S)
    assert find_backfill(bench) == "vendor"

    bench.sandbox.clear_faults()
    for kind in ("bill", None):
        bench.pass_time(STEP_S)
        with bench.conn() as conn:
            watermarks.poll_now(conn, bench.tenant, source="backfill")
            watermarks.take_due_polls(conn)  # whoever took it was killed, and its message is lost
        bench.pass_time(STEP_S)
        bench.poll("visma", "backfill")
        assert find_backfill(bench) == kind, "after the vendors come the bills, then it is done"
    bench.work_off()
    assert [bench.state("bill", bill)[0] for bill in bills] == ["synced"] * 3


def find_backfill(bench: Bench) -> str | None:
    """What a backfill walks at the moment."""
    with bench.conn() as conn:
        rows = watermarks.list_watermarks(conn, bench.tenant)
    return next((str(row["kind"]) for row in rows if row["source"] == "backfill"), None)
