"""Limits, fairness and outages with the whole fleet: what is proved by counts and order, not by time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import requests

from deploy.sandbox import seeds
from deploy.stage import Stage
from tests.acceptance.firm import Firm
from tests.acceptance.test_refusals import find_suspended
from tests.command_line import run, run_json

pytestmark = pytest.mark.acceptance

SLOTS = 4
"""Of the stage's worker."""

BACKLOG = 60


def connector(firm: Firm, *words: str) -> None:
    """Run a command that succeeds."""
    done = run(dict(firm.stage.composition.environ), *words)
    assert done.exit_code == 0, done.stderr


def test_calls_at_once_and_turns_to_write_are_kept_and_counted(firm: Firm, stage: Stage) -> None:
    vendor_id = firm.sync_vendor()
    slow = {"seconds": 0.1, "times": None}
    firm.control.add_fault("latency", system="bill", tenant=firm.organization, **slow)
    firm.control.add_fault("latency", system="visma", tenant=firm.company, **slow)
    bills = [firm.create_bill(vendor_id, f"F-{number}") for number in range(12)]
    for bill_id in bills:
        firm.settle("bill", bill_id)
    most = firm.control.calls()["most_at_once"]
    assert 2 <= most[f"bill:{firm.organization}"] <= 3
    assert most[f"visma:{firm.company}:writes"] == 1

    sample = r'connector_sync_seconds_count\{kind="bill",outcome="created"\} (\S+)'

    def counted() -> bool:
        text = requests.get(f"{stage.addresses.web_url}/metrics", timeout=10).text
        found = re.search(sample, text)
        return found is not None and float(found[1]) >= len(bills)

    firm.until(counted, "the ingress shows what the workers counted")
    (status,) = run_json(dict(stage.composition.environ), "status", firm.id)
    assert {system: usage["used"] > len(bills) for system, usage in status["calls"].items()} == {
        "bill": True,
        "visma": True,
    }
    assert status["calls"]["visma"]["left"] < status["calls"]["visma"]["limit"]


def test_a_restart_of_the_fleet_costs_no_log_in(firm: Firm, stage: Stage) -> None:
    vendor_id = firm.sync_vendor()
    firm.sync_bill(vendor_id, "F-1")
    before = count_log_ins(firm)
    assert before >= 2
    for name in ("worker", "beat"):
        stage.fleet.kill9(name)  # and they are started again; in good order it would take its time
    firm.sync_bill(vendor_id, "F-2")
    assert count_log_ins(firm) == before


def count_log_ins(firm: Firm) -> int:
    """Sessions and tokens that were asked for."""
    return firm.count_calls("bill", "/login") + firm.count_calls("token", "/token")


def test_one_clients_backfill_does_not_stand_before_anothers_webhook(firm: Firm, other_firm: Firm) -> None:
    """Of a long backlog only what workers have in hand goes before another tenant's bill."""
    neighbour = other_firm.sync_vendor()
    vendor_id = firm.sync_vendor()
    firm.control.add_fault("drop_hook", tenant=firm.organization, times=None)
    many = [seeds.bill(seeds.SWEDEN, vendor_id, f"F-{number}") for number in range(BACKLOG)]
    firm.control.create_many(firm.organization, bills=many)
    firm.control.add_fault(
        "latency", system="visma", tenant=firm.company, method="POST", seconds=0.1, times=None
    )
    connector(firm, "sync", firm.id)
    firm.until(lambda: len(firm.invoices()) >= SLOTS, "the backfill is at full speed")

    entered_at = datetime.now(UTC)
    bill_id = other_firm.create_bill(neighbour, "F-1")
    other_firm.settle("bill", bill_id)
    read = f"/v3/bills/{bill_id}"
    begun_at = next(parse(call["at"]) for call in firm.control.recent_calls() if call["path"].endswith(read))
    done = [parse(each["at"]) for each in firm.control.visma_log(firm.company) if each["kind"] == "created"]
    before = sum(entered_at < at < begun_at for at in done)
    assert before <= 3 * SLOTS, "the drain, the bill, and as much again for the way between processes"
    assert sum(at < begun_at for at in done) < BACKLOG / 2, "the backfill was far from its end"


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_one_clients_outage_is_nobody_elses_and_ends_by_itself(firm: Firm, other_firm: Firm) -> None:
    vendor_id, neighbour = firm.sync_vendor(), other_firm.sync_vendor()
    rule = firm.control.add_fault("status", system="bill", tenant=firm.organization, status=503, times=None)
    bills = [firm.create_bill(vendor_id, f"F-{number}") for number in range(8)]
    environ = dict(firm.stage.composition.environ)

    def is_open() -> bool:
        return bool(run_json(environ, "status", firm.id)[0]["circuit"]["bill"] == "open")

    firm.until(is_open, "the circuit opens")
    other_firm.sync_bill(neighbour, "F-1")
    assert run_json(environ, "status", other_firm.id)[0]["circuit"] == {"bill": "closed", "visma": "closed"}
    met = next(each["applied"] for each in firm.control.faults() if each["id"] == rule)
    assert met <= 2 * len(bills), "no storm"

    firm.control.clear_faults(rule)
    for bill_id in bills:
        firm.settle("bill", bill_id)
    assert len(firm.invoices()) == len(bills)
    assert run_json(environ, "dead-letters", "list", firm.id, "--state", "all") == []


def test_resuming_a_suspended_client_mends_its_webhooks_too(firm: Firm) -> None:
    vendor_id = firm.sync_vendor()
    firm.control.organization_access(firm.organization, passwords={firm.username: "another"})
    firm.control.expire_sessions(firm.organization)
    firm.control.add_fault("disable_hook", tenant=firm.organization, skip=1)
    bills = [firm.create_bill(vendor_id, f"F-{number}") for number in range(2)]
    why = firm.until(lambda: find_suspended(firm), "the tenant is suspended")
    assert "password" in why
    firm.control.wait("disabled", organization=firm.organization)

    firm.control.organization_access(firm.organization, passwords={firm.username: firm.password})
    connector(firm, "tenant", "resume", firm.id)
    firm.control.wait("enabled", organization=firm.organization)
    for bill_id in bills:
        firm.settle("bill", bill_id)
    assert find_suspended(firm) is None
