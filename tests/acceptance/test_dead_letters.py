"""What failed for good: replayed by people and scripts, discarded, and records that kill their worker."""

from __future__ import annotations

import getpass
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from deploy.stage import Stage
from shared.store.tenants import apply_tenant
from shared.tenant_file import parse_tenant
from tests.acceptance.firm import Firm
from tests.acceptance.test_crashes import kill_slot, let_the_claim_run_out
from tests.command_line import run, run_json
from workers.base import MOST_LOST_CLAIMS

pytestmark = pytest.mark.acceptance

REFUSAL = "Dokumentet kan inte sparas."
MANY_PLACES = "bill_concurrency = 10"
"""So that the places of killed workers, held until their lease ends, do not make the next one wait."""


def refuse(firm: Firm) -> None:
    """Visma refuses every new document, for good."""
    firm.control.add_fault(
        "status", system="visma", tenant=firm.company, method="POST", route="/supplierInvoice", times=None,
        status=400, message=REFUSAL,
    )  # fmt: skip


def mend(firm: Firm) -> None:
    """The cause of the refusals is gone."""
    firm.control.clear_faults()


def call(firm: Firm, *args: str, code: int = 0) -> str:
    """Run ``connector dead-letters``; what it printed on stdout, or on stderr where it fails."""
    done = run(dict(firm.stage.composition.environ), "dead-letters", *args)
    assert done.exit_code == code, done.output
    return done.stderr if code else done.stdout


def letters(firm: Firm) -> list[dict[str, Any]]:
    """The tenant's dead letters, the oldest first."""
    environ = dict(firm.stage.composition.environ)
    return list(run_json(environ, "dead-letters", "list", firm.id, "--state", "all"))


def states(firm: Firm) -> list[str]:
    return [letter["state"] for letter in letters(firm)]


def die(firm: Firm, vendor_id: str, number: str) -> str:
    """A bill that Visma refuses for good; its id."""
    bill_id = firm.create_bill(vendor_id, number)
    firm.settle("bill", bill_id, "dead")
    return bill_id


def ask_flower(stage: Stage, letter_id: int) -> int:
    """Replay as a script does; the status of Flower's answer."""
    user, _, password = stage.composition.environ["FLOWER_BASIC_AUTH"].partition(":")
    url = f"{stage.addresses.flower_url}/api/task/async-apply/connector.replay_dead_letter"
    return requests.post(url, json={"args": [letter_id]}, auth=(user, password), timeout=20).status_code


def test_a_replay_after_the_cause_is_mended_takes_the_newest_version(firm: Firm) -> None:
    refuse(firm)
    bill_id = die(firm, firm.sync_vendor(), "F-1")
    firm.control.change_bill(firm.organization, bill_id, invoice={"invoiceNumber": "F-2"})
    firm.until(lambda: len(firm.heard()) == 3, "the change is known")
    (letter,) = letters(firm)

    call(firm, "replay", str(letter["id"]))
    firm.until(lambda: len(letters(firm)) == 2, "it failed again")
    firm.settle("bill", bill_id, "dead")
    assert states(firm) == ["replayed", "open"]

    mend(firm)
    newest = str(letters(firm)[-1]["id"])
    call(firm, "replay", newest)
    assert "replayed already" in call(firm, "replay", newest, code=1)
    firm.settle("bill", bill_id)
    assert [one["supplierReference"] for one in firm.invoices()] == ["F-2"]
    assert states(firm) == ["replayed", "replayed"]
    environ = dict(firm.stage.composition.environ)
    history = run_json(environ, "records", "show", firm.id, "bill", bill_id)["history"]
    me = getpass.getuser()
    assert [entry["action"] for entry in history] == ["replayed", "replayed", "created"]
    assert [entry["actor"] for entry in history] == [me, me, "stage"]


def test_scripts_that_replay_one_letter_at_once_replay_it_once(firm: Firm, stage: Stage) -> None:
    refuse(firm)
    bill_id = die(firm, firm.sync_vendor(), "F-1")
    (letter,) = letters(firm)
    before = firm.calls()["POST /v1/supplierInvoice"]
    mend(firm)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask_flower(stage, letter["id"]), range(4)))
    assert answers == [200] * 4
    firm.settle("bill", bill_id)
    assert firm.calls()["POST /v1/supplierInvoice"] == before + 1
    environ = dict(stage.composition.environ)
    history = run_json(environ, "records", "show", firm.id, "bill", bill_id)["history"]
    assert [(entry["actor"], entry["action"]) for entry in history[:-1]] == [("flower-api", "replayed")]
    assert states(firm) == ["replayed"]


def test_other_runs_close_a_letter_and_discarding_leaves_the_bill_dead_until_it_changes(firm: Firm) -> None:
    refuse(firm)
    vendor_id = firm.sync_vendor()
    forced, discarded = die(firm, vendor_id, "F-1"), die(firm, vendor_id, "F-2")
    mend(firm)
    environ = dict(firm.stage.composition.environ)
    done = run(environ, "sync", firm.id, "--bill", forced, "--wait")
    assert done.exit_code == 0, done.output
    call(firm, "discard", str(letters(firm)[1]["id"]), "--why", "entered by hand")
    assert states(firm) == ["closed", "discarded"]

    row = firm.record("bill", discarded)
    assert row is not None and row["state"] == "dead"
    firm.control.change_bill(firm.organization, discarded, invoice={"invoiceNumber": "F-3"})
    firm.settle("bill", discarded)
    assert sorted(one["supplierReference"] for one in firm.invoices()) == ["F-1", "F-3"]


def test_a_bill_that_kills_its_worker_again_and_again_is_parked_with_its_cause(
    firm: Firm, stage: Stage
) -> None:
    vendor_id = firm.sync_vendor()
    settings = firm.write_file(limits=MANY_PLACES)
    apply_tenant(firm.conn, parse_tenant(settings.read_bytes(), source=str(settings)))  # and no poll
    rule = firm.control.add_fault(
        "latency", system="bill", tenant=firm.organization, method="GET", route="/v3/bills/", times=None,
        seconds=5,
    )  # fmt: skip
    bill_id = firm.create_bill(vendor_id, "F-1")
    for deaths in range(1, MOST_LOST_CLAIMS + 1):
        firm.until(lambda: seen(firm, rule) == deaths, f"a worker begins with it, try {deaths}")  # noqa: B023
        kill_slot(stage, bill_id)
        firm.until(lambda: firm.calls()["GET /v3/bills/{id}"] == deaths, "BILL is done with it")  # noqa: B023
        let_the_claim_run_out(firm, bill_id)
    firm.settle("bill", bill_id, "dead")
    assert seen(firm, rule) == MOST_LOST_CLAIMS, "it is not even read again"
    (letter,) = letters(firm)
    assert letter["error"].startswith(f"{MOST_LOST_CLAIMS} workers in a row ended without a word")

    firm.control.clear_faults()
    call(firm, "replay", "--all")
    firm.settle("bill", bill_id)
    assert [one["supplierReference"] for one in firm.invoices()] == ["F-1"]


def seen(firm: Firm, rule: str) -> int:
    """How often a fault was applied."""
    return next(int(each["applied"]) for each in firm.control.faults() if each["id"] == rule)
