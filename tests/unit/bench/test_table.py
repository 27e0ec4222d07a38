"""The table says what is in the file, and admits what could not be measured."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
from rich.console import Console

from deploy.bench.table import bench_table

pytestmark = pytest.mark.unit

_LOAD = {"requests": 9, "per_s": 1234.5, "p50_ms": 1.5, "p99_ms": 9.9, "most_ms": 12.0}
_RUN = {"tenants": 1, "records": 3, "latency_ms": 0, "per_s": 40.0, "cpu_ms": 21.5, "slots": 8}
RESULT: dict[str, Any] = {
    "scale": "full",
    "webhooks": {**_LOAD, "share_of_bare": 0.75},
    "bare_flask": {**_LOAD, "per_s": 1646.0},
    "drain": {"accepted": 6000, "stored": 6000, "per_s": 2000.0},
    "noop_task": {"tasks": 5, "per_s": 1000.0, "cpu_ms": 0.9},
    "records": [
        {**_RUN, "share_of_noop": 0.04},
        {**_RUN, "tenants": 20, "latency_ms": 100, "per_s": 27.25, "share_of_noop": 0.02},
    ],
    "calls": [{"kind": "bill", "what": "new", "by": "poll", "records": 10, "bill": 0.2, "visma": 1.0}],
    "neighbour": {
        "latency_ms": 100,
        "quiet": {"p50_ms": 400.0, "p99_ms": 450.0, "most_ms": 450.0},
        "beside_backfill": {"p50_ms": 500.0, "p99_ms": 900.0, "most_ms": 900.0},
        "backfill_lasted": True,
    },
    "memory": {
        "polls": [
            {"records": 10_000, "rest_mb": 80.0, "peak_mb": 84.0, "first_per_s": 900.0, "per_s": 1500.0},
            {"records": 200_000, "rest_mb": 80.0, "peak_mb": 84.4, "first_per_s": 900.0, "per_s": 1500.0},
        ],
        "wanted": 200_000,
        "growth_mb": 0.4,
    },
}


def _rows(result: dict[str, Any]) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(bench_table(result))
    return [" ".join(line.replace("│", "|").split()) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    "row",
    [
        "| webhooks accepted | 1,234/s | bare Flask route 1,646/s: 0.75 of it |",
        "| webhooks turned into rows | 2,000/s | 6,000 of 6,000 accepted |",
        "| records synced, 1 tenant | 40.0/s | no-op Celery task 1,000/s: 0.040 of it |",
        "| the same at 100 ms upstream latency, 20 tenants | 27.2/s | 8 pool slots |",
        "| worker's processor time for a record | 21.5 ms | no-op Celery task 0.9 ms |",
        "| calls for a new bill by poll | BILL 0.2, Visma 1 | counted over 10 records of one poll |",
        "| growth between the two | +0.4 MB | |",
    ],
)
def test_a_row_for_each_figure(row: str) -> None:
    assert row in _rows(RESULT)


def test_what_was_cut_short_is_said() -> None:
    result = copy.deepcopy(RESULT)
    result["neighbour"]["backfill_lasted"] = False
    result["memory"]["polls"][1]["records"] = 120_000
    text = "\n".join(_rows(result))
    assert "the backfill ended too early" in text
    assert "200,000 would take too long" in text
