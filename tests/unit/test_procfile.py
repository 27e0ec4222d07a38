from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from deploy.procfile import PROCFILE, parse_procfile, read_procfile
from shared import queues

pytestmark = pytest.mark.unit


def test_the_processes_of_the_fleet() -> None:
    assert list(parse_procfile()) == ["release", "web", "worker", "beat", "flower"]
    assert parse_procfile()["release"] == "connector migrate"


def test_workers_serve_every_queue_in_the_order_of_importance() -> None:
    found = re.search(r"--queues=(\S+)", parse_procfile()["worker"])
    assert found is not None
    assert tuple(found[1].split(",")) == queues.QUEUES


def test_commands_need_no_shell_but_to_be_split() -> None:
    for command in parse_procfile().values():
        assert not set(command) & set("$|&;<>`'\"*?"), command
        assert shlex.split(command) == command.split()


def test_specs_have_their_port_and_our_python_first() -> None:
    environ = {"PORT": "1", "PATH": "/bin", "REDIS_URL": "redis://r"}
    web, *others = read_procfile(ports={"web": 8123}, environ=environ)
    assert (web.name, web.env["PORT"], web.env["REDIS_URL"]) == ("web", "8123", "redis://r")
    assert web.env["PATH"] == f"{Path(sys.executable).parent}:/bin"
    assert web.cwd == PROCFILE.parent
    assert [spec.name for spec in others] == ["worker", "beat", "flower"]
    assert not any("PORT" in spec.env for spec in others)


def test_counts_multiply_and_leave_out(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("release: migrate\n\nweb: serve --now\nworker: work\n")
    specs = read_procfile(procfile, {"worker.2": 7}, environ={}, counts={"web": 0, "worker": 2})
    assert [(spec.name, spec.env.get("PORT")) for spec in specs] == [("worker.1", None), ("worker.2", "7")]
    assert specs[0].argv == ("/bin/sh", "-c", "exec work")
