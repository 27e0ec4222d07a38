"""The whole bench with tiny numbers: every figure is there, in the file and in the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.bench import __main__ as command
from deploy.bench.scale import QUICK

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

TINY = replace(
    QUICK,
    name="tiny",
    rounds=1,
    webhooks=40,
    connections=4,
    noop_tasks=20,
    tenants=2,
    records=3,
    records_each=2,
    slow_records=2,
    slow_records_each=1,
    counted=2,
    backfill=12,
    samples=1,
    poll_sizes=(200, 400),
    poll_s=10.0,
    latency_s=0.02,
)


def test_a_tiny_run_measures_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "QUICK", TINY)
    out = tmp_path / "made" / "bench.json"
    code = command.main(["--quick", "--out", str(out)])
    printed, said = capsys.readouterr()
    assert code == 0, said
    result = json.loads(out.read_text("utf-8"))

    assert result["scale"] == "tiny"
    assert result["machine"]["cpus"] > 0
    assert "compare" in result["note"]
    assert result["webhooks"]["requests"] == result["bare_flask"]["requests"] == 40
    assert result["drain"]["stored"] >= result["drain"]["accepted"] == 40
    for load in (result["webhooks"], result["bare_flask"]):
        assert 0 < load["p50_ms"] <= load["p99_ms"] <= load["most_ms"]
    assert result["webhooks"]["share_of_bare"] > 0
    assert result["noop_task"]["per_s"] > 0

    runs = [(run["tenants"], run["records"], run["latency_ms"]) for run in result["records"]]
    assert runs == [(1, 3, 0), (2, 4, 0), (1, 2, 20), (2, 2, 20)]
    assert all(run["per_s"] > 0 and run["cpu_ms"] > 0 for run in result["records"])

    calls = {(one["by"], one["kind"], one["what"]): (one["bill"], one["visma"]) for one in result["calls"]}
    assert calls["webhook", "vendor", "new"] == (0, 1)
    assert calls["webhook", "vendor", "changed"] == (0, 2)
    assert calls["webhook", "bill", "new"] == (1, 1)
    assert calls["webhook", "bill", "changed"] == (1, 2)
    assert {key[1:]: visma for key, (_, visma) in calls.items() if key[0] == "poll"} == {
        ("vendor", "new"): 1,
        ("vendor", "changed"): 2,
        ("bill", "new"): 1,
        ("bill", "changed"): 2,
    }

    assert result["neighbour"]["beside_backfill"]["p50_ms"] > 0
    assert [poll["records"] for poll in result["memory"]["polls"]] == [200, 400]
    assert all(0 < poll["rest_mb"] <= poll["peak_mb"] for poll in result["memory"]["polls"])

    _check_printed(printed, result["webhooks"]["per_s"])


def _check_printed(printed: str, webhooks_per_s: float) -> None:
    assert f"{webhooks_per_s:,.0f}/s" in printed
    assert "peak memory, poll of 400 unchanged records" in printed
    assert "Absolute figures" in printed
