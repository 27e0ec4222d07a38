"""Figures out of measurements: pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from deploy.sandbox.jsonio import Json

SYSTEMS = ("bill", "visma")
RECORD_ROUTES = {
    "bill": ("/v3/bills", "/v3/vendors"),
    "visma": ("/v1/supplier", "/v1/supplierInvoice"),
}


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def rate(count: int, seconds: float) -> float:
    """How many a second, to a tenth; 0 where no time passed."""
    return round(count / seconds, 1) if seconds > 0 else 0.0


def ratio(part: float, whole: float) -> float | None:
    """``part`` as a share of ``whole``; None where there is nothing to compare with."""
    return round(part / whole, 3) if whole > 0 else None


def milliseconds(seconds: float) -> float:
    """To a tenth of a millisecond."""
    return round(seconds * 1000, 1)


def megabytes(size: int) -> float:
    """Bytes as MB of 1,000,000, to a tenth."""
    return round(size / 1e6, 1)


def spread(values_s: Sequence[float]) -> Json:
    """Median, 99th percentile and largest of durations in seconds, in milliseconds."""
    return {
        "p50_ms": milliseconds(percentile(values_s, 50)),
        "p99_ms": milliseconds(percentile(values_s, 99)),
        "most_ms": milliseconds(max(values_s)),
    }


def count_record_calls(lines: Iterable[Json], tenants: Mapping[str, str]) -> Counter[str]:
    """Calls about vendors, bills, suppliers and supplier invoices, by system.

    ``lines`` are the sandbox's counts, ``tenants`` the organization and company meant, by system. Log-ins,
    tokens and reference lists serve many records and are left out.
    """
    found: Counter[str] = Counter()
    for line in lines:
        system = line["system"]
        if line["tenant"] == tenants.get(system) and _is_of_records(system, line["route"]):
            found[system] += line["count"]
    return found


def per_record(before: Mapping[str, int], after: Mapping[str, int], count: int) -> dict[str, float]:
    """Calls between two counts for each of ``count`` records, by system."""
    return {system: round((after.get(system, 0) - before.get(system, 0)) / count, 2) for system in SYSTEMS}


def choose_size(wanted: int, at_least: int, per_s: float, most_s: float) -> int:
    """How many of the ``wanted`` records a poll walks in ``most_s`` seconds, whole thousands of them."""
    affordable = int(per_s * most_s) // 1000 * 1000
    return max(at_least, min(wanted, affordable))


def _is_of_records(system: str, route: str) -> bool:
    """Whether the route ends in a record's list, or goes on behind it."""
    return any(route.endswith(path) or f"{path}/" in route for path in RECORD_ROUTES.get(system, ()))
