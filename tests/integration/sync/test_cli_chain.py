"""``connector records show`` tells how far a record came on its way to Visma, and why no further."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.sandbox.jsonio import Json
from shared.bill.models import Kind
from shared.clock import utc_now
from shared.store import events
from shared.store.events import Event
from shared.store.records import Heard
from tests.command_line import run, run_json
from tests.integration.sync.test_plan import environ
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration


def chain(bench: Bench, kind: Kind, bill_id: str) -> dict[str, Json]:
    """The steps by name; at most one of them is where the record stands, and none after it is reached."""
    told = run_json(environ(bench), "records", "show", bench.tenant, kind, bill_id)
    states = [step["state"] for step in told["chain"]]
    stopped = states.index("stopped") if "stopped" in states else len(states)
    assert states[:stopped] == ["passed"] * stopped
    assert states[stopped + 1 :] == ["not_reached"] * len(states[stopped + 1 :])
    return {step["step"]: step for step in told["chain"]}


def stop(bench: Bench, kind: Kind, bill_id: str) -> tuple[str, str]:
    """The step where the record stands, and why."""
    (found,) = [step for step in chain(bench, kind, bill_id).values() if step["state"] == "stopped"]
    return found["step"], found["what"]


def test_a_bill_that_went_all_the_way(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor, "F-1")
    bench.sync()
    event = Event("acme", "e1", "bill.updated", "bill", bill, b"{}", utc_now() - timedelta(hours=1))
    with bench.conn() as conn:
        events.add_events(conn, [event])
    steps = chain(bench, "bill", bill)
    number = bench.record("bill", bill).visma_number
    supplier = bench.record("vendor", vendor).visma_number
    assert list(steps) == ["BILL", "heard of", "judged", "vendor", "mapped", "sent", "Visma"]
    assert steps["BILL"]["what"] == "F-1, dated 2026-10-31, amount 1250.00, 1 line, approval APPROVED"
    assert steps["heard of"]["what"] == "by BILL's notification bill.updated"
    assert steps["vendor"]["what"].endswith(f"({vendor}) is supplier {supplier}")
    assert steps["mapped"]["what"] == "1250.00 SEK on account 4000, period 202610"
    assert steps["sent"]["what"] == f"created Invoice {number}, by bench"
    assert "entered by the connector" in steps["Visma"]["what"]
    assert chain(bench, "vendor", vendor)["heard of"]["what"] == "by reading BILL's list of vendors"
    shown = run(environ(bench), "records", "show", bench.tenant, "bill", bill).stdout
    assert "From BILL to Visma" in shown
    assert "ok   mapped" in shown


def test_where_a_bill_stands_that_is_not_in_visma(bench: Bench) -> None:
    vendor, twin = bench.add_vendor(), bench.add_vendor(1)
    name = bench.sandbox.organization_state(bench.organization, "vendors")[1]["name"]
    for number in "12":
        bench.add_supplier(name=name, corporateId=f"99{number}")
    waiting = bench.add_bill(vendor, "F-1", approvalStatus="UNASSIGNED")
    unmapped = bench.add_bill(vendor, "F-2", bill_line("10.00", "4000", "300"))
    behind = bench.add_bill(twin, "F-3")
    supplier_invoice = bench.add_bill(vendor, "F-4")
    bench.sync()
    assert stop(bench, "bill", waiting) == ("judged", "approval status in BILL: UNASSIGNED")
    assert stop(bench, "bill", unmapped)[0] == "mapped"
    assert stop(bench, "bill", behind)[0] == "vendor"
    assert f"({twin}) is held: " in stop(bench, "bill", behind)[1]
    assert stop(bench, "vendor", twin)[0] == "mapped"

    bench.change_invoice(str(bench.record("bill", supplier_invoice).visma_number), dueDate="2026-12-01")
    bench.change_bill(supplier_invoice, dueDate="2026-12-02")
    bench.sync()
    step, why = stop(bench, "bill", supplier_invoice)
    assert (step, "BILL 2026-12-02, Visma 2026-12-01" in why) == ("Visma", True)


def test_a_record_that_was_only_heard_of_and_one_that_is_dead(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), "F-1")
    bench.hear(Heard("bill", bill))
    assert stop(bench, "bill", bill) == ("BILL", "not read yet: waits: nobody has worked on it yet")
    bench.sync()
    with bench.conn() as conn:
        conn.execute("UPDATE records SET state = 'dead', reason = NULL, detail = 'BILL is odd'")
        conn.execute(
            "INSERT INTO dead_letters (tenant, kind, bill_id, task, error_class, error)"
            " VALUES ('acme', 'bill', %s, 'connector.x', 'Permanent', 'BILL is odd')",
            (bill,),
        )
    step, why = stop(bench, "bill", bill)
    assert (step, why.startswith("failed for good: BILL is odd, see dead letter ")) == ("sent", True)
