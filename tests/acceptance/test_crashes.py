"""Processes that are killed in the middle: nothing is lost, nothing comes twice, work goes on by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import psutil
import pytest
import requests
from celery import Celery

from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared import queues
from tests.acceptance.firm import Firm
from tests.command_line import run_json

pytestmark = pytest.mark.acceptance


LOOKS = 3
"""Each takes a second."""


def kill_worker(stage: Stage, bill_id: str) -> None:
    """Kill the worker's main process; its pool goes with it."""
    os.kill(find_pid(stage, "worker"), signal.SIGKILL)


def kill_slot(stage: Stage, bill_id: str) -> None:
    """Kill the one process of the worker's pool that works on the bill."""
    app = queues.make_producer(stage.composition.settings.redis_url)
    looks = (find_at_work(app, bill_id) for _ in range(LOOKS))
    busy = next(filter(None, looks), None)
    assert busy is not None, f"nobody works on {bill_id}"
    os.kill(busy, signal.SIGKILL)


def find_at_work(app: Celery, bill_id: str) -> int | None:
    """The process that works on a bill.

    A second task of it, which finds it taken, may come and go beside it: who began first is at work.
    """
    tasks = [task for task in _list_upserts(app) if bill_id in task["args"]]
    return min(tasks, key=lambda task: task["time_start"])["worker_pid"] if tasks else None


def find_busy(app: Celery) -> set[int]:
    """The processes that work on a record."""
    return {task["worker_pid"] for task in _list_upserts(app)}


def _list_upserts(app: Celery) -> list[Json]:
    active = app.control.inspect(timeout=1).active() or {}
    upserts = [task for tasks in active.values() for task in tasks if "upsert" in task["name"]]
    return [task for task in upserts if is_alive(task["worker_pid"])]


def is_alive(pid: int) -> bool:
    """Whether the process runs; what a killed one did counts as active until Celery buries it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def find_pid(stage: Stage, name: str) -> int:
    """The process id of a part of the fleet."""
    pid = stage.fleet.pid(name)
    assert pid is not None
    return pid


@pytest.mark.parametrize("kill", [kill_worker, kill_slot])
def test_a_worker_killed_while_a_create_is_under_way_makes_one_document(
    firm: Firm, stage: Stage, kill: Callable[[Stage, str], None]
) -> None:
    vendor_id = firm.sync_vendor()
    firm.control.add_fault(
        "latency", system="visma", tenant=firm.company, method="POST", route="/supplierInvoice", seconds=5
    )
    bill_id = firm.create_bill(vendor_id, "F-1")
    firm.until(lambda: firm.control.faults()[-1]["applied"] == 1, "Visma works on the create")
    kill(stage, bill_id)
    firm.control.wait("invoices", company=firm.company)
    let_the_claim_run_out(firm, bill_id)

    firm.settle("bill", bill_id)
    assert [one["supplierReference"] for one in firm.invoices()] == ["F-1"]
    assert firm.calls()["POST /v1/supplierInvoice"] == 1
    shown = run_json(dict(stage.composition.environ), "records", "show", firm.id, "bill", bill_id)
    assert [entry["action"] for entry in shown["history"]] == ["created"]
    assert "resolved by look-up" in shown["history"][0]["detail"]


def let_the_claim_run_out(firm: Firm, bill_id: str) -> None:
    """As if the minute had passed after which a dead worker's record is another's."""
    statement = """UPDATE records SET claim_expires_at = now(), dispatched_at = NULL
                   WHERE tenant = %s AND bill_id = %s AND claim_token IS NOT NULL"""
    assert firm.conn.execute(statement, (firm.id, bill_id)).rowcount == 1


def test_what_was_answered_with_200_survives_the_death_of_the_ingress_and_of_the_worker(
    firm: Firm, stage: Stage
) -> None:
    vendor_id = firm.sync_vendor()
    firm.control.add_fault("drop_hook", tenant=firm.organization, times=None)
    bills = [firm.create_bill(vendor_id, f"F-{number}") for number in range(5)]
    stage.fleet.kill9("worker")
    answers = [firm.post(firm.notification(f"e-{bill_id}", "bill", bill_id)) for bill_id in bills]
    stage.fleet.kill9("web")

    assert [answer.status_code for answer in answers] == [200] * 5
    for bill_id in bills:
        firm.settle("bill", bill_id)
    assert sorted(one["supplierReference"] for one in firm.invoices()) == [f"F-{n}" for n in range(5)]
    firm.until(lambda: is_ready(stage), "the ingress is back")


def is_ready(stage: Stage) -> bool:
    """Whether the ingress serves."""
    try:
        return requests.get(f"{stage.addresses.web_url}/readyz", timeout=2).ok
    except requests.ConnectionError:
        return False


def test_polls_go_on_after_the_death_of_beat(firm: Firm, stage: Stage) -> None:
    firm.control.add_fault("drop_hook", tenant=firm.organization, times=None)
    before = find_pid(stage, "beat")
    stage.fleet.kill9("beat")
    bill_id = firm.create_bill(firm.create_vendor(), "F-1")
    firm.apply(poll_interval_s=1)

    firm.settle("bill", bill_id)
    assert firm.control.webhooks(organization=firm.organization) == []
    assert find_pid(stage, "beat") != before
