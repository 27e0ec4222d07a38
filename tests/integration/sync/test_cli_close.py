"""``connector close`` at the command line, with its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import run, run_json
from tests.integration.sync.test_cli_mapping import environ
from tests.support.bench import Bench

pytestmark = pytest.mark.integration

KEYS = {"tenant", "period", "matches", "differences", "notices", "totals"}


@pytest.fixture
def settled(bench: Bench) -> str:
    """Two bills of October that stand in Visma; the id of one."""
    vendor = bench.add_vendor(name="=Formel & <b>Söner</b>")
    bench.add_bill(vendor, "F-1")
    bill = bench.add_bill(vendor, "F-2", description="-2+3")
    bench.sync()
    return bill


def test_a_month_that_agrees_exits_0_and_is_filed(bench: Bench, settled: str, tmp_path: Path) -> None:
    page, sheet = tmp_path / "proof.html", tmp_path / "proof.csv"
    words = ("close", bench.tenant, "--period", "2026-10", "--html", str(page), "--csv", str(sheet))
    done = run(environ(bench), *words, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    assert (found["tenant"], found["period"], found["matches"]) == (bench.tenant, "2026-10", 2)
    assert found["differences"] == []
    assert found["totals"]["by_currency"] == [
        {
            "currency": "SEK",
            "bill": "2500.00",
            "visma": "2500.00",
            "difference": "0.00",
            "bills": 2,
            "documents": 2,
        }
    ]
    assert found["run"]["sha256"] in page.read_text("utf-8")
    assert found["audit"]["head"] in page.read_text("utf-8")
    checked = run_json(environ(bench), "audit", "verify", bench.tenant, "--head", found["audit"]["head"])
    assert (checked["known_head"], checked["unsealed"]) == (True, 0), "all until then is sealed"
    assert "<b>Söner" not in page.read_text("utf-8")
    assert sheet.read_text("utf-8-sig").count("'=Formel") == 2
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["proof.csv", "proof.html"]


def test_a_difference_is_told_and_exits_1(bench: Bench, settled: str) -> None:
    number = str(bench.record("bill", settled).visma_number)
    bench.sandbox.delete_invoice(bench.company, number)
    done = run(environ(bench), "close", bench.tenant, "--period", "2026-10")
    assert done.exit_code == 1
    assert done.stderr == f"connector: {bench.tenant} 2026-10: BILL and Visma do not agree, 1 difference\n"
    assert f"Invoice {number} was deleted in Visma" in done.stdout
    assert "vendor credits" in done.stdout
    failed = run(environ(bench), "close", bench.tenant, "--period", "2026-10", "--json")
    (one,) = json.loads(failed.stdout)["differences"]
    assert one == {
        "bill_id": settled,
        "reference": "F-2",
        "visma_number": number,
        "what": "missing in Visma",
        "bill": "1250.00 SEK, approved",
        "visma": f"nothing; Invoice {number} was deleted in Visma",
    }


@pytest.mark.parametrize("period", ["2026", "2026-13", "10-2026", "0000-01"])
def test_a_period_must_be_a_month(bench: Bench, period: str) -> None:
    done = run(environ(bench), "close", bench.tenant, "--period", period)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is not a month: write it as 2026-10" in done.stderr


def test_a_file_that_cannot_be_written_is_named(bench: Bench, settled: str, tmp_path: Path) -> None:
    page = tmp_path / "nowhere" / "proof.html"
    done = run(environ(bench), "close", bench.tenant, "--period", "2026-10", "--html", str(page))
    assert done.exit_code == 1
    assert "nowhere" in done.stderr


def test_a_broken_audit_trail_is_told_beside_the_proof(bench: Bench, settled: str) -> None:
    words = ("close", bench.tenant, "--period", "2026-10", "--json")
    assert json.loads(run(environ(bench), *words).stdout)["audit"]["head"]
    with bench.conn() as conn:
        conn.execute("UPDATE history_heads SET mac = proof")
    found = json.loads(run(environ(bench), *words).stdout)
    (told,) = [one["what"] for one in found["notices"] if one["kind"] == "audit"]
    assert told.startswith(f"the audit trail of {bench.tenant} is broken: its head was changed")
