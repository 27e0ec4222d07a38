"""Containers and systemd units run what the Procfile says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.procfile import PROJECT, parse_procfile
from shared.settings import NAMES

pytestmark = pytest.mark.unit

PROCESSES = parse_procfile()


def test_compose_runs_the_procfile() -> None:
    text = (PROJECT / "deploy" / "compose.yaml").read_text("utf-8")
    services = dict(re.findall(r"^  (\w+):\n(?:    .*\n)*?    command: (.+)$", text, re.MULTILINE))
    assert {name: services[name] for name in PROCESSES} == PROCESSES


@pytest.mark.parametrize("name", PROCESSES)
def test_systemd_runs_the_procfile(name: str) -> None:
    (unit,) = (PROJECT / "deploy" / "systemd").glob(f"connector-{name}*.service")
    found = re.search(r"^ExecStart=/opt/connector/\.venv/bin/(.+)$", unit.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == PROCESSES[name]


@pytest.mark.parametrize("path", ["deploy/compose.yaml", "deploy/systemd/env.example"])
def test_only_settings_that_exist_are_set(path: str) -> None:
    text = Path(PROJECT / path).read_text("utf-8")
    given = set(re.findall(r"^(?:      |    )?([A-Z][A-Z_]+)[:=]", text, re.MULTILINE))
    others = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "REDISCLI_AUTH"}
    assert {name.removesuffix("_FILE") for name in given} - others <= set(NAMES)
    assert {"DATABASE_URL", "REDIS_URL", "PUBLIC_BASE_URL"} <= given
