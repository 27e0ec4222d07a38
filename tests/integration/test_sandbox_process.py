"""The sandbox as a process: its arguments, its ready file, and the control client's own errors."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.sandbox.control import ControlError, WaitTimeout
from deploy.sandbox.launch import launched
from tests.integration.sandbox_rig import Rig, running_rig

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = [sys.executable, "-m", "deploy.sandbox"]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


def test_it_writes_where_it_is_and_ends_on_a_signal(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [*_COMMAND, "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout is not None
        printed = json.loads(process.stdout.readline())
        assert json.loads(ready.read_text("utf-8")) == printed
        assert printed["pid"] == process.pid
        assert printed["token_url"].endswith("/visma-connect/connect/token")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


def test_it_ends_with_the_process_that_started_it() -> None:
    with launched() as at:
        assert at.pid > 0
    command = [*_COMMAND, "--until-stdin-closes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert "control_url" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("host", "status", "words"), [("192.0.2.1", 2, "loopback"), ("127.0.0.1", 1, "cannot listen")]
)
def test_what_it_cannot_do_is_one_plain_line(host: str, status: int, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [*_COMMAND, "--host", host, "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=_ROOT)
    assert done.returncode == status
    assert words in done.stderr and "Traceback" not in done.stderr


def test_the_control_client_tells_what_the_sandbox_refused(rig: Rig) -> None:
    organization, company = rig.organization(), rig.company()
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: rig.control.create_bill("008X", {}), "no organization 008X"),
        (lambda: rig.control.create_vendor(organization.id, {"name": "X"}), "address: must not be null"),
        (lambda: rig.control.organization_settings(organization.id, speed=1), "unknown setting: speed"),
        (lambda: rig.control.create_supplier(company.id, {"name": "X"}), "'Supplier Class' cannot be empty."),
        (
            lambda: rig.control.release_invoice(company.id, "000357"),
            "Document 'Invoice 000357' cannot be found",
        ),
        (lambda: rig.control.add_fault("explode"), "unknown action kind"),
        (lambda: rig.control.company_state(company.id, "weather"), "no state weather"),
        (lambda: rig.control.seed_company({}), "company_id"),
    ]
    for act, words in refused:
        with pytest.raises(ControlError, match=words):
            act()


def test_waiting_ends_with_what_was_found_in_time(rig: Rig) -> None:
    company = rig.company()
    with pytest.raises(WaitTimeout, match="0 instead of 1"):
        rig.control.wait("suppliers", 1, timeout_s=0.05, company=company.id)
    company.supplier()
    assert rig.control.wait("suppliers", 1, timeout_s=0, company=company.id) == 1
    assert rig.control.wait("suppliers", 1, below=1, company=company.id) == 1


def test_faults_are_listed_with_their_use_and_removed(rig: Rig) -> None:
    company = rig.company()
    rule = rig.control.add_fault("status", tenant=company.id, status=500, times=2)
    company.call("GET", "/v1/branch")
    (shown,) = [item for item in rig.control.faults() if item["id"] == rule]
    assert (shown["seen"], shown["applied"]) == (1, 1)
    rig.control.clear_faults(rule)
    assert company.call("GET", "/v1/branch").status_code == 200
