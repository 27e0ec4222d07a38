from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.demo.home import demo_environ
from deploy.embedded.home import Home
from deploy.embedded.lease import wait_stopped
from deploy.procfile import PROJECT

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]

PATIENCE_S = 240

COLUMNS = (
    *("tenant", "vendor", "number", "amount", "currency", "status"),
    *("supplier", "document", "booked", "booked_in", "state", "mark"),
)


def start(home: Path) -> subprocess.Popen[str]:
    """The demo as ``make demo`` runs it, with a home of its own and someone's database in the environment."""
    ours = {"CONNECTOR_HOME": str(home), "DATABASE_URL": "postgresql://nowhere/books"}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "deploy.demo"],
        cwd=PROJECT,
        env=demo_environ(os.environ) | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill_when_it_runs(home: Path) -> None:
    """A first demo that loses its power in the middle."""
    with start(home) as process:
        assert process.stdout is not None
        assert any("From now on" in line for line in process.stdout), "it never got so far"
        process.kill()


def read_table(text: str) -> list[dict[str, str]]:
    """The lines of the table at the end; a long name goes on in a line without a number."""
    lines = [line for line in text.splitlines() if line.startswith("│")]
    return [
        dict(zip(COLUMNS, (cell.strip() for cell in line.strip("│").split("│")), strict=True))
        for line in lines
    ]


def test_the_working_day_comes_out_right_also_after_a_run_that_was_killed(open_folder: Path) -> None:
    kill_when_it_runs(open_folder)
    with start(open_folder) as process:
        said, _ = process.communicate(timeout=PATIENCE_S)
    wait_stopped(Home(open_folder / "demo"))
    assert process.returncode == 0, said
    assert "DATABASE_URL is set and not used" in said
    rows = {row["number"]: row for row in read_table(said) if row["number"]}
    marks = {number: row["mark"] for number, row in rows.items()}
    assert marks == {
        **dict.fromkeys(
            ("K-2101", "2026-1187", "2026-1190", "RE-20261", "K-2102", "2026-1204", "2026-1211"), "="
        ),
        **dict.fromkeys(("70012", "55-1", "RK 4410", "BT-903", "RK 4410-K", "BT-905"), "="),
        **dict.fromkeys(("860", "EL-77", "BT-904"), "·"),
    }
    for row in rows.values():
        if row["mark"] == "=":
            assert (row["amount"], row["currency"], row["state"]) == (
                row["booked"],
                row["booked_in"],
                "balanced",
            )
    assert (rows["EL-77"]["document"], rows["BT-904"]["document"]) == ("held: vendor_held", "waiting")
    assert rows["RK 4410-K"]["document"].startswith("DebitAdj ")
    assert rows["860"]["status"] == "deleted"
    assert "names exactly the held bill" in said
    assert "failed" not in said
