"""Figures out of measurements."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.bench import figures

pytestmark = pytest.mark.unit

_DURATIONS = st.lists(st.floats(0, 1e3), min_size=1, max_size=50)
OURS = {"bill": "org-1", "visma": "co-1"}


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([5.0], 99, 5.0),
        ([1.0, 9.0], 0, 1.0),
        ([1.0, 9.0], 100, 9.0),
    ],
)
def test_percentile_is_one_of_the_values(values: list[float], percent: float, expected: float) -> None:
    assert figures.percentile(values, percent) == expected


@given(_DURATIONS, st.floats(0, 100))
def test_so_many_values_are_not_above_a_percentile(values: list[float], percent: float) -> None:
    found = figures.percentile(values, percent)
    assert sum(value <= found for value in values) * 100 >= percent * len(values) - 1e-6
    assert sum(value < found for value in values) * 100 <= percent * len(values) + 1e-6


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        figures.percentile([], 50)


def test_spread_is_in_milliseconds() -> None:
    assert figures.spread([0.1, 0.2, 0.31234]) == {"p50_ms": 200.0, "p99_ms": 312.3, "most_ms": 312.3}


@pytest.mark.parametrize(
    ("count", "seconds", "expected"), [(10, 4.0, 2.5), (1, 3.0, 0.3), (0, 1.0, 0.0), (5, 0.0, 0.0)]
)
def test_rate(count: int, seconds: float, expected: float) -> None:
    assert figures.rate(count, seconds) == expected


def test_ratio_to_nothing_is_none() -> None:
    assert (figures.ratio(1.0, 4.0), figures.ratio(1.0, 0.0)) == (0.25, None)


def _line(system: str, tenant: str | None, route: str, count: int = 1) -> dict[str, Any]:
    return {
        "system": system,
        "tenant": tenant,
        "method": "GET",
        "route": route,
        "status": 200,
        "count": count,
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (_line("bill", "org-1", "/bill/connect/v3/bills", 2), {"bill": 2}),
        (_line("bill", "org-1", "/bill/connect/v3/vendors/{id}"), {"bill": 1}),
        (_line("visma", "co-1", "/visma/v1/supplierInvoice/{type}/{number}", 3), {"visma": 3}),
        (_line("visma", "co-1", "/visma/v1/supplier"), {"visma": 1}),
        (_line("bill", "org-1", "/bill/connect/v3/login"), {}),
        (_line("bill", "org-1", "/bill/connect/v3/classifications/{kind}"), {}),
        (_line("visma", "co-1", "/visma/v1/supplierClass"), {}),
        (_line("visma", "co-1", "/visma/v1/account"), {}),
        (_line("bill", "org-2", "/bill/connect/v3/bills"), {}),
        (_line("visma", "org-1", "/visma/v1/supplier"), {}),
        (_line("token", None, "/visma-connect/connect/token"), {}),
    ],
)
def test_only_calls_about_our_records_count(line: dict[str, Any], expected: dict[str, int]) -> None:
    assert figures.count_record_calls([line], OURS) == Counter(expected)


def test_calls_per_record() -> None:
    found = figures.per_record({"bill": 4}, {"bill": 14, "visma": 5}, 5)
    assert found == {"bill": 2.0, "visma": 1.0}


@pytest.mark.parametrize(
    ("per_s", "expected"),
    [(3000.0, 200_000), (1234.5, 123_000), (50.0, 10_000), (2000.0, 200_000)],
)
def test_a_slow_machine_polls_fewer_records(per_s: float, expected: int) -> None:
    assert figures.choose_size(200_000, 10_000, per_s, 100.0) == expected
