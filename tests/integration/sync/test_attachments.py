"""A bill's documents arrive at its supplier invoice: whole, under their names, each content once."""

from __future__ import annotations

import hashlib
import io
import os
import tracemalloc
from collections.abc import Iterator

import pytest

from deploy.sandbox.jsonio import Json
from shared import http, queues
from shared.circuit import OPENS_AT
from shared.multipart import FilePart
from shared.store import attachments, dead_letters
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench, BenchTask
from tests.support.rows import at_once
from workers.copying import run_copying
from workers.sync.duty import send_copying
from workers.tasks.attachments import copy_attachments

pytestmark = pytest.mark.integration

LISTED = "/v3/documents/bills/{id}"
SENT = "/attachment$"
LOST = {
    "the connection drops after the effect": {"kind": "drop"},
    "an error without a word after the effect": {"kind": "status", "when": "after", "status": 500},
    "a gateway gives up after the effect": {
        "kind": "status",
        "when": "after",
        "status": 504,
        "shape": "html",
    },
}
CAP_S = 240


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """A tenant that wants attachments, and whose sweeps look at them."""
    return make_bench(sync={"attachments": True})


def add(bench: Bench, bill: str, name: str, content: bytes) -> None:
    bench.sandbox.add_document(bench.organization, bill, name, content)


def run_one(bench: Bench, bill: str) -> str:
    return run_copying(BenchTask(queues.COPY_ATTACHMENTS), bench.tenant, bill)


def copy(bench: Bench) -> list[str]:
    """Let a tick send what is due, and run it; one word each."""
    send_copying(bench.context.pool, bench.context.dispatcher)
    sent, bench.sender.sent = bench.sender.sent, []
    assert {name for name, _ in sent} <= {queues.COPY_ATTACHMENTS}
    return [run_one(bench, bill) for _, (_, bill) in sent]


def wait(bench: Bench, seconds: float) -> list[str]:
    bench.pass_time(seconds)
    return copy(bench)


def arrived(bench: Bench) -> list[tuple[str, str, int]]:
    """Name, digest and revision of every file at the company's invoices."""
    files = bench.sandbox.company_state(bench.company, "attachments")
    return sorted((file["name"], file["sha256"], int(file["revision"])) for file in files)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def count_sent(bench: Bench) -> int:
    lines = bench.sandbox.calls()["lines"]
    ours = [line for line in lines if (line["tenant"], line["method"]) == (bench.company, "POST")]
    return sum(line["count"] for line in ours if line["route"].endswith("/attachment"))


def spoil(bench: Bench, *, times: int | None = 1, **how: object) -> None:
    """Spoil the next uploads."""
    bench.sandbox.add_fault(
        system="visma", tenant=bench.company, method="POST", route=SENT, times=times, **how
    )


def synced_bill(bench: Bench, *documents: tuple[str, bytes]) -> str:
    """A bill that just got its supplier invoice; what is in BILL is still to be copied."""
    bill = bench.add_bill(bench.add_vendor())
    for name, content in documents:
        add(bench, bill, name, content)
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    bench.sandbox.reset_calls()
    return bill


def is_copied(bench: Bench, bill: str) -> bool:
    with bench.conn() as conn:
        return attachments.all_copied(conn, bench.tenant, bill)


def letters(bench: Bench, state: str = "open") -> list[Json]:
    with bench.conn() as conn:
        return dead_letters.list_letters(conn, bench.tenant, state=state)


def attach_by_hand(bench: Bench, bill: str, name: str, content: bytes) -> None:
    """A person attaches a file in Visma."""
    record = bench.record("bill", bill)
    part = FilePart(name, io.BytesIO(content), len(content))
    visma = bench.context.visma(bench.config)
    visma.upload_attachment(str(record.visma_type), str(record.visma_number), part, None)


def test_documents_arrive_before_a_release_and_once(bench: Bench) -> None:
    first, second = os.urandom(70_000), b"%PDF second"
    bill = synced_bill(bench, ("faktura.pdf", first), ("följesedel.pdf", second))
    assert not is_copied(bench, bill)
    assert copy(bench) == ["2 copied"]
    assert arrived(bench) == [("faktura.pdf", digest(first), 1), ("följesedel.pdf", digest(second), 1)]
    assert is_copied(bench, bill)
    assert bench.history("bill", bill)[-2:] == ["attached", "attached"]
    assert bench.count_calls(lambda: copy(bench)) == {"bill": 0, "visma": 0}
    bench.change_bill(bill, dueDate="2026-12-24")
    bench.sync()
    calls = bench.count_calls(lambda: copy(bench))
    assert calls == {"bill": 1, "visma": 0}, "BILL is asked for its list, Visma for nothing"
    assert len(arrived(bench)) == 2


def test_a_bill_without_documents_costs_one_call(bench: Bench) -> None:
    bill = synced_bill(bench)
    assert bench.count_calls(lambda: copy(bench)) == {"bill": 1, "visma": 0}
    assert is_copied(bench, bill)


def test_new_documents_cost_one_look_and_one_upload_each(bench: Bench) -> None:
    synced_bill(bench, ("a.pdf", b"a"), ("b.pdf", b"b"), ("c.pdf", b"c"))
    assert bench.count_calls(lambda: copy(bench))["visma"] == 1 + 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Räkning №7 – Ærø & Co.pdf", None),
        ("請求書 2026年.pdf", None),
        ("e\u0301tude 100% 😀;=+.PDF", None),
        ("O'Neil (kopia), 'slut'.pdf", None),
        ('sida 1/2 "slut"\r\nX: y.pdf', "sida 1-2 'slut' X: y.pdf"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_names_arrive_intact(bench: Bench, name: str, expected: str | None) -> None:
    synced_bill(bench, (name, b"content"))
    assert copy(bench) == ["1 copied"]
    assert arrived(bench) == [(expected or name, digest(b"content"), 1)]


def test_one_name_with_other_contents_makes_no_revision(bench: Bench) -> None:
    synced_bill(
        bench, ("scan.pdf", b"one"), ("Scan.PDF", b"two"), ("scan.pdf", b"three"), ("scan.pdf", b"one")
    )
    assert copy(bench) == ["4 copied"]
    assert arrived(bench) == [
        ("Scan (2).PDF", digest(b"two"), 1),
        ("scan (3).pdf", digest(b"three"), 1),
        ("scan.pdf", digest(b"one"), 1),
    ]


def test_a_persons_equal_file_is_left_and_another_one_kept(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"same"), ("b.pdf", b"ours"))
    attach_by_hand(bench, bill, "entered by hand.pdf", b"same")
    attach_by_hand(bench, bill, "b.pdf", b"theirs")
    assert copy(bench) == ["2 copied"]
    assert arrived(bench) == [
        ("b (2).pdf", digest(b"ours"), 1),
        ("b.pdf", digest(b"theirs"), 1),
        ("entered by hand.pdf", digest(b"same"), 1),
    ]


def test_nothing_is_asked_of_anyone_where_attachments_are_off(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"attachments": False})
    bill = synced_bill(bench, ("a.pdf", b"a"))
    bench.poll("sweep")
    assert copy(bench) == []
    with bench.conn() as conn:
        attachments.want(conn, bench.tenant, bill)  # as left over from when they were on
    assert bench.count_calls(lambda: copy(bench)) == {"bill": 0, "visma": 0}
    assert is_copied(bench, bill)
    assert arrived(bench) == []


def test_a_large_file_is_never_whole_in_memory(bench: Bench) -> None:
    content = os.urandom(1024) * 1024 * 20
    bill = synced_bill(bench, ("plan.pdf", content))
    tracemalloc.start()
    try:
        assert copy(bench) == ["1 copied"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert arrived(bench) == [("plan.pdf", digest(content), 1)]
    assert peak < len(content) / 4
    assert is_copied(bench, bill)


@pytest.mark.parametrize("how", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_is_looked_up(bench: Bench, how: dict[str, object]) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a"), ("b.pdf", b"b"))
    spoil(bench, **how)
    assert copy(bench) == ["parked"]
    assert not is_copied(bench, bill)
    assert copy(bench) == [], "not before the first look-up"
    assert wait(bench, 2) == ["1 copied"]
    assert count_sent(bench) == 2
    assert arrived(bench) == [("a.pdf", digest(b"a"), 1), ("b.pdf", digest(b"b"), 1)]


def test_a_late_effect_is_waited_for(bench: Bench) -> None:
    synced_bill(bench, ("a.pdf", b"a"))
    spoil(bench, kind="late", seconds=1.0)
    assert copy(bench) == ["parked"]
    assert wait(bench, 2) == ["parked"], "not there yet, and not sent again"
    bench.sandbox.wait("log", company=bench.company, kind="attached")
    assert wait(bench, 8) == ["1 copied"]
    assert (count_sent(bench), arrived(bench)) == (1, [("a.pdf", digest(b"a"), 1)])


def test_what_never_happened_is_sent_again_after_the_cap(bench: Bench) -> None:
    synced_bill(bench, ("a.pdf", b"a"))
    spoil(bench, kind="drop", when="before")
    assert copy(bench) == ["parked"]
    for step_s in (2, 8, 20, 30, 60):
        assert wait(bench, step_s) == ["parked"]
        assert count_sent(bench) == 1
    assert wait(bench, 120) == ["1 copied"]
    assert (count_sent(bench), arrived(bench)) == (2, [("a.pdf", digest(b"a"), 1)])


def test_an_upload_for_another_version_is_refused_and_repeated(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a"))
    spoil(bench, kind="race", change={"description": "edited meanwhile"})
    assert copy(bench) == ["1 copied"]
    assert (count_sent(bench), arrived(bench)) == (2, [("a.pdf", digest(b"a"), 1)])
    assert bench.invoice_of(bill)["description"] == "edited meanwhile"


def test_one_bad_document_neither_stops_the_others_nor_harms_the_bill(bench: Bench) -> None:
    bill = synced_bill(bench, ("bad.pdf", b"bad"), ("good.pdf", b"good"))
    spoil(bench, times=None, kind="status", status=400, message="The file is infected.", body="bad.pdf")
    after = len(bench.effects())
    assert copy(bench) == ["dead"]
    assert arrived(bench) == [("good.pdf", digest(b"good"), 1)]
    (letter,) = letters(bench)
    assert (letter["task"], letter["kind"], letter["bill_id"]) == (queues.COPY_ATTACHMENTS, "bill", bill)
    assert letter["error"].startswith("bad.pdf: Visma refused it: ")
    assert "The file is infected." in letter["error"]
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.effects()[after:] == [("attached", "supplierInvoice")]
    assert not is_copied(bench, bill)


def test_a_letter_stays_while_its_bill_goes_on_and_a_replay_closes_it(bench: Bench) -> None:
    bill = synced_bill(bench, ("bad.pdf", b"bad"))
    spoil(bench, kind="status", status=400, message="Not now.")
    assert copy(bench) == ["dead"]
    bench.change_bill(bill, dueDate="2026-12-24")
    bench.sync()
    assert bench.invoice_of(bill)["dueDate"].startswith("2026-12-24"), "the record does not wait"
    assert copy(bench) == [], "the documents wait behind their letter"
    assert len(letters(bench)) == 1
    with bench.conn() as conn:
        attachments.want(conn, bench.tenant, bill, forced=True)
    assert copy(bench) == ["1 copied"]
    assert (letters(bench), len(letters(bench, "closed"))) == ([], 1)
    assert is_copied(bench, bill)


def test_a_failing_download_is_retried_with_backoff_and_ends_dead(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a"))
    bench.sandbox.add_fault("status", system="bill", route="/downloads/", times=None, status=500)
    words = copy(bench)
    assert copy(bench) == [], "parked: not at once"
    while words[-1] == "parked":
        words += wait(bench, 3600)
    assert words == ["parked"] * 11 + ["dead"]
    assert bench.count_calls(lambda: wait(bench, 7200)) == {"bill": 0, "visma": 0}
    assert (len(letters(bench)), arrived(bench)) == (1, [])
    assert letters(bench)[0]["attempts"] == 12
    assert bench.effects().count(("updated", "supplierInvoice")) == 0
    assert bench.state("bill", bill) == ("synced", None)


def test_a_passing_failure_is_healed(bench: Bench) -> None:
    synced_bill(bench, ("a.pdf", b"a" * 200_000))
    bench.sandbox.add_fault("truncate", system="bill", route="/downloads/", keep_bytes=1000)
    assert copy(bench) == ["parked"]
    assert wait(bench, 5) == ["1 copied"]
    assert arrived(bench) == [("a.pdf", digest(b"a" * 200_000), 1)]


def test_a_file_beyond_the_cap_is_dead_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_FILE_BYTES", 1024 * 1024)
    synced_bill(bench, ("huge.pdf", b"x" * (1024 * 1024 + 1)), ("fits.pdf", b"y" * 1024 * 1024))
    assert copy(bench) == ["dead"]
    assert [name for name, _, _ in arrived(bench)] == ["fits.pdf"]
    assert "huge.pdf: the file is larger than 1 MiB" in letters(bench)[0]["error"]


def test_an_expired_session_or_token_costs_no_attempt(bench: Bench) -> None:
    synced_bill(bench, ("a.pdf", b"a"))
    bench.sandbox.add_fault("expire", system="bill", tenant=bench.organization, route="/documents/")
    bench.sandbox.add_fault("expire", system="visma", tenant=bench.company, route=SENT)
    assert copy(bench) == ["1 copied"]


def test_the_sweep_looks_again_at_unreleased_invoices_only(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bills = [bench.add_bill(vendor, f"F-{number}") for number in (1, 2)]
    bench.sync()
    assert copy(bench) == ["nothing to copy"] * 2
    bench.sandbox.release_invoice(bench.company, str(bench.record("bill", bills[1]).visma_number))
    bench.poll("visma")
    for bill in bills:
        add(bench, bill, f"{bill}.pdf", bill.encode())
    assert copy(bench) == [], "a document added later does not move the bill"
    bench.poll("sweep")
    bench.sandbox.reset_calls()
    assert copy(bench) == ["1 copied"]
    assert [name for name, _, _ in arrived(bench)] == [f"{bills[0]}.pdf"]
    assert bench.sandbox.count_calls(system="bill", route="/bill/connect" + LISTED) == 1


def test_released_meanwhile_is_seen_before_attaching(bench: Bench) -> None:
    bill = synced_bill(bench)
    copy(bench)
    add(bench, bill, "late.pdf", b"late")
    bench.poll("sweep")
    bench.sandbox.release_invoice(bench.company, str(bench.record("bill", bill).visma_number))
    assert copy(bench) == ["1 not copied: the supplier invoice is Open in Visma"]
    assert arrived(bench) == []


def test_a_new_invoice_of_the_bill_gets_them_anew(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a"))
    copy(bench)
    before = bench.record("bill", bill).visma_number
    bench.change_bill(bill, vendorId=bench.add_vendor(1))
    bench.sync()
    after = bench.record("bill", bill).visma_number
    assert after != before
    assert not is_copied(bench, bill)
    assert copy(bench) == ["1 copied"]
    files = bench.sandbox.company_state(bench.company, "attachments")
    assert [file["invoice"] for file in files] == [f"Invoice/{after}"]


def test_an_invoice_that_a_person_deleted_ends_the_work(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a"))
    bench.sandbox.delete_invoice(bench.company, str(bench.record("bill", bill).visma_number))
    assert copy(bench) == ["the supplier invoice is gone from Visma"]
    assert letters(bench) == []


def test_copying_rests_while_a_system_is_out(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a"))
    for _ in range(OPENS_AT):
        bench.context.circuits.note(bench.tenant, "visma", answered=False)
    assert bench.count_calls(lambda: copy(bench)) == {"bill": 0, "visma": 0}
    assert copy(bench) == [], "not every second"
    bench.context.circuits.note(bench.tenant, "visma", answered=True)
    assert wait(bench, 30) == ["1 copied"]
    assert is_copied(bench, bill)


def test_two_runs_at_once_copy_once(bench: Bench) -> None:
    bill = synced_bill(bench, ("a.pdf", b"a" * 100_000))
    words = at_once([lambda: run_one(bench, bill)] * 3)
    assert sorted(words) == ["1 copied", "not due", "not due"]
    assert (count_sent(bench), len(arrived(bench))) == (1, 1)


def test_who_is_done_sends_the_next_and_no_more_than_a_tenants_share_is_under_way(bench: Bench) -> None:
    vendor = bench.add_vendor()
    for number in range(5):
        add(bench, bench.add_bill(vendor, f"F-{number}"), f"{number}.pdf", f"{number}".encode())
    bench.sync()
    assert send_copying(bench.context.pool, bench.context.dispatcher) == 2
    under_way = []
    while bench.sender.sent:
        under_way.append(len(bench.sender.sent))
        _, (tenant, bill) = bench.sender.sent.pop(0)
        assert copy_attachments(tenant, bill) == "1 copied"
    assert under_way == [2, 2, 2, 2, 1]
    assert len(arrived(bench)) == 5


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run has no time for a second document."""
    monkeypatch.setattr("workers.sync.attachment_work.RUN_S", 0.0)
    yield


@pytest.mark.usefixtures("slow_disk")
def test_a_long_list_is_copied_by_several_runs(bench: Bench) -> None:
    synced_bill(bench, *((f"{number}.pdf", str(number).encode()) for number in range(3)))
    words = copy(bench)
    while words[-1] == "parked":
        words += copy(bench)
    assert words == ["parked", "parked", "1 copied"]
    assert len(arrived(bench)) == count_sent(bench) == 3
