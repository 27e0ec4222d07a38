"""A write whose answer is lost is looked up, never repeated blindly: there is one document in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.visma.client import VismaClient
from tests.support.bench import Bench, Run
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

STEPS_S = (2, 8, 20, 30, 60, 120)
"""From one look-up to the next: 2, 10, 30, 60 and 120 s after the sending, and at the cap of 240 s."""

LOST: dict[str, dict[str, Any]] = {
    "the connection drops after the effect": {"kind": "drop", "when": "after"},
    "an error without a word after the effect": {
        "kind": "status",
        "when": "after",
        "status": 500,
        "shape": "empty",
    },
    "a gateway gives up after the effect": {
        "kind": "status",
        "when": "after",
        "status": 504,
        "shape": "html",
    },
    "an error in Visma's own words after the effect": {
        "kind": "status",
        "when": "after",
        "status": 500,
        "message": "Ett oväntat fel inträffade.",
    },
}

NOUNS = {"vendor": "supplier", "bill": "supplierInvoice"}


def lose(bench: Bench, method: str, noun: str, how: dict[str, Any], times: int = 1) -> None:
    """Spoil the next request of this kind."""
    bench.sandbox.add_fault(
        system="visma", tenant=bench.company, method=method, route=f"/v1/{noun}s?(/|$)", times=times, **how
    )


def count_creates(bench: Bench, noun: str) -> int:
    return bench.effects().count(("created", noun))


def count_posts(bench: Bench, noun: str) -> int:
    lines = bench.sandbox.calls()["lines"]
    return sum(
        line["count"]
        for line in lines
        if (line["tenant"], line["method"]) == (bench.company, "POST")
        and line["route"].lower().rstrip("s").endswith(noun.lower())
    )


def wait_out(bench: Bench, kind: str) -> list[float]:
    """Let look-ups come until the record is settled; how many seconds after the sending it was."""
    passed = 0.0
    for step_s in STEPS_S:
        passed += step_s
        if any(run.kind == kind and run.word == "created" for run in bench.pass_time(step_s)):
            return [passed]
    return []


@pytest.mark.parametrize("how", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_an_effect_without_an_answer_is_found(bench: Bench, kind: str, how: dict[str, Any]) -> None:
    noun = NOUNS[kind]
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    lose(bench, "POST", noun, how)
    bench.sync()
    assert wait_out(bench, kind) == [2], "found by the first look-up"
    assert count_creates(bench, noun) == count_posts(bench, noun) == 1
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))
    assert bench.record("bill", bill).intention is None
    assert len(bench.suppliers()) == len(bench.invoices()) == 1
    assert bench.invoice_of(bill)["amount"] == 1250


LOST_CHANGES: dict[str, Any] = {
    "before the effect": {"kind": "drop", "when": "before"},
    "after the effect": {"kind": "drop", "when": "after"},
}


@pytest.mark.parametrize("how", LOST_CHANGES.values(), ids=LOST_CHANGES.keys())
@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_what_a_look_up_found_stays_ours_when_the_answer_to_its_update_is_lost_too(
    bench: Bench, kind: str, how: dict[str, Any]
) -> None:
    noun = NOUNS[kind]
    emails = {"vendor": "new@example.com", "bill": "faktura0@example.com"}
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    lose(bench, "POST", noun, {"kind": "drop", "when": "after"})
    lose(bench, "PUT", noun, how)
    bench.sync()
    if kind == "vendor":
        bench.change_vendor(vendor, email="new@example.com")
    else:
        bench.change_bill(bill, description="newer")
    bench.poll("bill")
    for _ in range(3):
        bench.pass_time(61)
    assert count_creates(bench, noun) == count_posts(bench, noun) == 1
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))
    assert bench.supplier_of(vendor)["mainContact"]["email"] == emails[kind]
    assert (bench.invoice_of(bill)["description"] == "newer") == (kind == "bill")


@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_an_error_in_visma_s_own_words_without_effect_is_a_refusal_at_once(bench: Bench, kind: str) -> None:
    noun = NOUNS[kind]
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    lose(bench, "POST", noun, {"kind": "status", "status": 500, "message": "Ett oväntat fel inträffade."})
    bench.sync()
    ids = {"vendor": vendor, "bill": bill}
    assert bench.state(kind, ids[kind]) == ("dead", None)
    assert (count_posts(bench, noun), count_creates(bench, noun)) == (1, 0)


@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_an_effect_long_after_we_gave_up_is_found(bench: Bench, kind: str) -> None:
    noun = NOUNS[kind]
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    if kind == "bill":
        bench.poll()
        bench.run("vendor", vendor)
    lose(bench, "POST", noun, {"kind": "late", "seconds": 1.0})
    bench.sync()
    bench.pass_time(2)
    bench.sandbox.wait("log", company=bench.company, entity=noun, kind="created")
    for step_s in STEPS_S[1:]:
        bench.pass_time(step_s)
    assert count_creates(bench, noun) == count_posts(bench, noun) == 1
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))


@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_what_never_arrived_is_sent_again_after_visma_s_cap_and_not_before(bench: Bench, kind: str) -> None:
    noun = NOUNS[kind]
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    lose(bench, "POST", noun, {"kind": "drop", "when": "before"})
    bench.sync()
    assert wait_out(bench, kind) == [240]
    assert (count_posts(bench, noun), count_creates(bench, noun)) == (2, 1)
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))


def test_news_do_not_hasten_the_second_post(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor())
    lose(bench, "POST", "supplierInvoice", {"kind": "drop", "when": "before"})
    bench.sync()
    for step_s in STEPS_S[:-1]:
        bench.change_bill(bill, description=f"after {step_s}")
        bench.poll("bill")
        bench.force("bill", bill)
        bench.pass_time(step_s)
    assert count_posts(bench, "supplierInvoice") == 1
    bench.pass_time(STEPS_S[-1])
    assert (count_posts(bench, "supplierInvoice"), count_creates(bench, "supplierInvoice")) == (2, 1)
    assert bench.invoice_of(bill)["description"] == "after 60"


def test_a_bill_that_changed_meanwhile_is_found_and_then_changed(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor())
    lose(bench, "POST", "supplierInvoice", LOST["the connection drops after the effect"])
    bench.sync()
    bench.change_bill(bill, dueDate="2026-12-24")
    bench.poll("bill")
    bench.pass_time(2)
    (shown,) = bench.invoices()
    assert shown["dueDate"][:10] == "2026-12-24"
    assert bench.invoice_of(bill) == shown


def test_a_bill_archived_meanwhile_leaves_nothing_behind(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor())
    lose(bench, "POST", "supplierInvoice", LOST["the connection drops after the effect"])
    bench.sync()
    bench.sandbox.archive_bill(bench.organization, bill)
    bench.poll("bill")
    bench.pass_time(2)
    assert bench.invoices() == []
    assert bench.state("bill", bill) == ("ignored", None)


@pytest.mark.parametrize("fault", [None, LOST["the connection drops after the effect"]])
@pytest.mark.parametrize("kind", ["vendor", "bill"])
def test_the_outcome_of_a_create_is_not_lost_over_a_redis_that_dies_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str, fault: dict[str, Any] | None
) -> None:
    noun = NOUNS[kind]
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    if fault is not None:
        lose(bench, "POST", noun, fault)
    name = f"create_{'supplier' if kind == 'vendor' else 'supplier_invoice'}"
    post: Callable[..., object] = getattr(VismaClient, name)

    def post_without_redis(*args: Any) -> object:
        context = bench.context
        with monkeypatch.context() as patch, Redis(port=1, retry=Retry(NoBackoff(), 0)) as dead:
            patch.setattr(context.circuits, "_redis", dead)
            patch.setattr(context.doubts, "_redis", dead)
            patch.setattr(context.budget._tell, "registered_client", dead)
            return post(*args)

    with monkeypatch.context() as patch:
        patch.setattr(VismaClient, name, post_without_redis)
        bench.sync()
    bench.pass_time(2)
    assert count_creates(bench, noun) == count_posts(bench, noun) == 1
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))


@pytest.mark.parametrize("noun", ["supplier", "supplierInvoice"])
def test_a_worker_that_dies_on_the_answer_is_followed_by_one_that_looks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor)
    name = f"create_{'supplier' if noun == 'supplier' else 'supplier_invoice'}"
    post: Callable[..., object] = getattr(VismaClient, name)

    def post_and_die(*args: Any) -> object:
        post(*args)
        raise SystemExit("killed")

    bench.poll()
    with monkeypatch.context() as patch:
        patch.setattr(VismaClient, name, post_and_die)
        with pytest.raises(SystemExit):
            bench.work_off()
    assert bench.work_off() == [] or noun == "supplier", "nobody may touch it while the claim lasts"
    bench.pass_time(61)
    assert count_creates(bench, noun) == count_posts(bench, noun) == 1
    assert (bench.state("vendor", vendor), bench.state("bill", bill)) == (("synced", None), ("synced", None))


# --- answers that prove that nothing ran ---------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {"kind": "status", "status": 429, "retry_after": 7},
        {"kind": "expire"},
        {"kind": "status", "status": 503, "shape": "html", "retry_after": 7},
    ],
    ids=["throttled", "token expired", "unavailable"],
)
def test_a_refusal_that_ran_nothing_is_repeated_soon(bench: Bench, how: dict[str, Any]) -> None:
    bill = bench.add_bill(bench.add_vendor())
    lose(bench, "POST", "supplierInvoice", how)
    bench.sync()
    for step_s in (7, *STEPS_S):
        bench.pass_time(step_s)
    assert bench.state("bill", bill) == ("synced", None)
    assert count_creates(bench, "supplierInvoice") == 1
    assert bench.record("bill", bill).attempts == 0


# --- other writes ------------------------------------------------------------------------------------------


@pytest.fixture
def bill(bench: Bench) -> str:
    """A synced bill of one line."""
    bill = bench.add_bill(bench.add_vendor(), "F-1", bill_line("100.00"))
    bench.sync()
    return bill


def words(runs: list[Run]) -> list[str]:
    return [run.word for run in runs]


def test_a_lost_answer_to_a_new_line_inserts_no_second_one(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice", LOST["the connection drops after the effect"])
    bench.change_bill(bill, billLineItems=[bill_line("25.00")])
    bench.sync()
    bench.pass_time(60)
    assert [line["costInCurrency"] for line in bench.invoice_of(bill)["invoiceLines"]] == [100, 25]
    assert bench.state("bill", bill) == ("synced", None)


def test_nor_is_our_own_lost_write_taken_for_a_person_s(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice", LOST["the connection drops after the effect"])
    bench.change_bill(bill, dueDate="2026-12-01")
    bench.sync()
    bench.change_bill(bill, dueDate="2026-12-02")
    bench.poll("bill")
    bench.pass_time(60)
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["dueDate"][:10] == "2026-12-02"


def test_a_lost_answer_to_a_supplier_s_change_is_no_person_s_edit(bench: Bench) -> None:
    vendor = bench.add_vendor(email="a@example.com")
    bench.sync()
    lose(bench, "PUT", "supplier", LOST["the connection drops after the effect"])
    bench.change_vendor(vendor, email="b@example.com")
    bench.sync()
    bench.change_vendor(vendor, email="c@example.com")
    bench.poll("bill")
    bench.pass_time(60)
    assert bench.state("vendor", vendor) == ("synced", None)
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "c@example.com"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_a_deletion(bench: Bench, bill: str, when: str) -> None:
    lose(bench, "DELETE", "supplierInvoice", {"kind": "drop", "when": when})
    bench.sandbox.archive_bill(bench.organization, bill)
    bench.sync()
    bench.pass_time(60)
    assert bench.invoices() == []
    assert bench.state("bill", bill) == ("ignored", None)


@pytest.mark.parametrize(("method", "when"), [("DELETE", "before"), ("DELETE", "after"), ("POST", "after")])
def test_a_move_that_breaks_off_ends_with_one_document(
    bench: Bench, bill: str, method: str, when: str
) -> None:
    other = bench.add_vendor(1)
    bench.sync()
    lose(bench, method, "supplierInvoice", {"kind": "drop", "when": when})
    bench.change_bill(bill, vendorId=other)
    bench.sync()
    for step_s in STEPS_S:
        bench.pass_time(step_s)
    (shown,) = bench.invoices()
    assert shown["supplier"]["number"] == bench.supplier_of(other)["number"]
    assert bench.invoice_of(bill) == shown
    assert bench.state("bill", bill) == ("synced", None)


# --- and what people edit meanwhile ----------------------------------------------------------------------


@pytest.mark.parametrize("back", [False, True], ids=["BILL stays", "BILL takes it back"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_person_s_edit_beside_a_lost_update_is_told_and_kept(
    bench: Bench, bill: str, when: str, back: bool
) -> None:
    """Whether it came before our update, or after, cannot be known: nobody is overruled without a word."""
    was = bench.invoice_of(bill)["dueDate"][:10]
    lose(bench, "PUT", "supplierInvoice", {"kind": "drop", "when": when})
    bench.change_bill(bill, dueDate="2026-12-01")
    bench.sync()
    bench.change_invoice(str(bench.record("bill", bill).visma_number), dueDate="2026-12-24")
    if back:
        bench.change_bill(bill, dueDate=was)
        bench.poll("bill")
    bench.pass_time(60)
    assert bench.state("bill", bill) == ("held", "edited_in_visma")
    (told,) = bench.details("bill", bill)[-1:]
    assert f"dueDate: BILL {was if back else '2026-12-01'}, Visma 2026-12-24" in told
    assert bench.invoice_of(bill)["dueDate"][:10] == "2026-12-24"
    bench.judge_held()
    assert bench.state("bill", bill) == ("held", "edited_in_visma")

    bench.change_bill(bill, dueDate="2026-12-24")
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)


def test_what_arrived_of_a_lost_update_is_known_while_a_person_settles_the_rest(
    bench: Bench, bill: str
) -> None:
    lose(bench, "PUT", "supplierInvoice", LOST["the connection drops after the effect"])
    bench.change_bill(bill, dueDate="2026-12-01", description="new")
    bench.sync()
    bench.change_invoice(str(bench.record("bill", bill).visma_number), dueDate="2026-12-24")
    bench.pass_time(60)
    assert bench.state("bill", bill) == ("held", "edited_in_visma")
    bench.change_bill(bill, dueDate="2026-12-24", description="")
    bench.sync()
    assert bench.state("bill", bill) == ("synced", None)
    assert bench.invoice_of(bill)["description"] == "F-1", "taken back in BILL, so in Visma too"


def test_a_person_s_line_in_the_place_of_one_whose_insert_was_lost(bench: Bench, bill: str) -> None:
    lose(bench, "PUT", "supplierInvoice", {"kind": "drop", "when": "before"})
    bench.change_bill(bill, billLineItems=[bill_line("25.00")])
    bench.sync()
    line = {"operation": "Insert", "quantity": 1, "unitCostInCurrency": 33, "accountNumber": "5410"}
    line["vatCodeId"] = "25"
    bench.change_invoice(str(bench.record("bill", bill).visma_number), invoiceLines=[line])
    bench.pass_time(60)
    assert bench.state("bill", bill) == ("held", "edited_in_visma")
    assert [line["costInCurrency"] for line in bench.invoice_of(bill)["invoiceLines"]] == [100, 33]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_person_s_edit_of_a_supplier_beside_a_lost_update_is_told_and_kept(bench: Bench, when: str) -> None:
    vendor = bench.add_vendor(email="a@example.com")
    bench.add_bill(vendor)
    bench.sync()
    lose(bench, "PUT", "supplier", {"kind": "drop", "when": when})
    bench.change_vendor(vendor, email="b@example.com")
    bench.sync()
    contact = {"mainContact": {"email": "anna@example.com"}}
    bench.change_supplier(str(bench.record("vendor", vendor).visma_number), **contact)
    bench.pass_time(60)
    assert bench.state("vendor", vendor) == ("held", "edited_in_visma")
    assert "BILL b@example.com, Visma anna@example.com" in bench.details("vendor", vendor)[-1]
    assert bench.supplier_of(vendor)["mainContact"]["email"] == "anna@example.com"
