"""What becomes of a dead letter by the runs of its record, in the workers' own machinery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared import queues
from shared.store import attachments, dead_letters, records
from shared.store.records import Due, Urgency
from tests.support.bench import Bench, BenchTask
from workers.base import MOST_LOST_CLAIMS
from workers.copying import run_copying
from workers.sync.replay import discard_letter, replay_by_script, replay_letter

pytestmark = pytest.mark.integration


def refuse(bench: Bench, times: int | None = None) -> None:
    """Visma refuses every new document for a cause that nobody knows."""
    bench.sandbox.add_fault(
        "status", system="visma", tenant=bench.company, method="POST", route="upplierInvoices?$",
        times=times, status=400, message="Kontakta din återförsäljare.",
    )  # fmt: skip


def letters(bench: Bench) -> list[dict[str, Any]]:
    """All dead letters, the oldest first."""
    with bench.conn() as conn:
        return list(dead_letters.list_letters(conn, state=None))


def states(bench: Bench) -> list[str]:
    return [letter["state"] for letter in letters(bench)]


@pytest.fixture
def bill(bench: Bench) -> str:
    """A bill that Visma refused; the cause is gone by now."""
    vendor = bench.add_vendor()
    bench.sync()
    refuse(bench)
    bill = bench.add_bill(vendor, "F-1")
    bench.sync()
    assert bench.state("bill", bill) == ("dead", None)
    return bill


def replay(bench: Bench, by: str = "anna") -> None:
    with bench.conn() as conn:
        done = replay_letter(conn, letters(bench)[-1]["id"], by=by)
    bench.context.dispatcher.dispatch(done.due)


def test_a_replay_takes_what_bill_has_now_and_leaves_replayed(bench: Bench, bill: str) -> None:
    bench.sandbox.clear_faults()
    bench.change_bill(bill, invoice={"invoiceNumber": "F-2"})  # no webhook, no poll tells us
    replay(bench)
    bench.work_off()
    assert bench.invoice_of(bill)["supplierReference"] == "F-2"
    assert states(bench) == ["replayed"]
    assert bench.history("bill", bill) == ["replayed", "created"]


def test_a_replay_that_fails_opens_a_new_letter(bench: Bench, bill: str) -> None:
    replay(bench)
    bench.work_off()
    assert bench.state("bill", bill) == ("dead", None)
    assert states(bench) == ["replayed", "open"]
    assert letters(bench)[-1]["failed_at"] > letters(bench)[0]["failed_at"]


PASSES: dict[str, Callable[[Bench, str], object]] = {
    "sync --bill": lambda bench, bill: bench.force("bill", bill),
    "tenant apply": lambda bench, _: apply_again(bench),
}


def apply_again(bench: Bench) -> None:
    with bench.conn() as conn:
        records.rejudge_all(conn, bench.tenant)
    bench.work_off()


@pytest.mark.parametrize("run", PASSES.values(), ids=PASSES.keys())
def test_a_letter_is_closed_by_another_run(
    bench: Bench, bill: str, run: Callable[[Bench, str], object]
) -> None:
    run(bench, bill)
    assert states(bench) == ["closed", "open"], "it failed again"
    bench.sandbox.clear_faults()
    run(bench, bill)
    assert bench.state("bill", bill) == ("synced", None)
    assert states(bench) == ["closed", "closed"]
    assert [letter["settled_by"] for letter in letters(bench)] == ["bench", "bench"]


def test_polls_wait_behind_the_letter_and_go_on_once_it_is_discarded(bench: Bench, bill: str) -> None:
    bench.sandbox.clear_faults()
    bench.change_bill(bill, invoice={"invoiceNumber": "F-2"})
    bench.sync()
    assert bench.state("bill", bill) == ("dead", None)
    with bench.conn() as conn:
        assert discard_letter(conn, letters(bench)[0]["id"], by="anna", why="it was the old one")
    bench.work_off()
    assert bench.invoice_of(bill)["supplierReference"] == "F-2"


def test_a_crash_after_a_replay_loses_nothing(bench: Bench, bill: str) -> None:
    """The letter is settled, the task was never sent: a tick sends it."""
    bench.sandbox.clear_faults()
    with bench.conn() as conn:
        replay_letter(conn, letters(bench)[0]["id"], by="anna")
    bench.work_off()  # begins with what a tick does
    assert bench.state("bill", bill) == ("synced", None)


def test_a_script_replays_and_is_told(bench: Bench, bill: str) -> None:
    bench.sandbox.clear_faults()
    letter_id = letters(bench)[0]["id"]
    pool, dispatcher = bench.context.pool, bench.context.dispatcher
    said = [replay_by_script(pool, dispatcher, letter_id) for _ in range(2)]
    assert said == [
        f"dead letter {letter_id} is replayed",
        f"dead letter {letter_id} is replayed already, by flower-api",
    ]
    assert bench.sender.sent == [(queues.UPSERT_SUPPLIER_INVOICE, (bench.tenant, bill))]


def die(bench: Bench, bill: str) -> None:
    """A worker takes the bill and is killed."""
    with bench.conn() as conn:
        assert records.claim(conn, Due(bench.tenant, "bill", bill, Urgency.WEBHOOK)) is not None
    with bench.conn() as conn:
        conn.execute("UPDATE records SET claim_expires_at = now() - interval '1 second'")


def test_a_record_that_killed_its_workers_is_buried_without_a_call(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bill = bench.add_bill(vendor, "F-1")
    bench.poll()
    for _ in range(MOST_LOST_CLAIMS):
        die(bench, bill)
    assert bench.count_calls(bench.work_off) == {"bill": 0, "visma": 0}
    assert bench.state("bill", bill) == ("dead", None)
    (letter,) = letters(bench)
    assert (letter["error_class"], letter["attempts"]) == ("PoisonRecord", MOST_LOST_CLAIMS + 1)
    assert letter["error"].startswith("3 workers in a row ended without a word")

    replay(bench)
    bench.work_off()
    assert bench.state("bill", bill) == ("synced", None)


def test_one_death_fewer_is_bad_luck(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    bill = bench.add_bill(vendor, "F-1")
    bench.poll()
    for _ in range(MOST_LOST_CLAIMS - 1):
        die(bench, bill)
    bench.work_off()
    assert bench.state("bill", bill) == ("synced", None)
    assert letters(bench) == []


def test_documents_that_kill_their_workers_are_buried_alone(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), "F-1")
    bench.sync()
    with bench.conn() as conn:
        attachments.want(conn, bench.tenant, bill)
        for _ in range(MOST_LOST_CLAIMS):
            assert attachments.claim(conn, bench.tenant, bill) is not None
            conn.execute("UPDATE attachments SET claim_expires_at = now() - interval '1 second'")
    assert run_copying(BenchTask(queues.COPY_ATTACHMENTS), bench.tenant, bill) == "dead"
    assert [letter["error_class"] for letter in letters(bench)] == ["PoisonRecord"]
    assert bench.state("bill", bill) == ("synced", None)
