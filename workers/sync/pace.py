"""How far a tenant's hours reach: calls used and left, and when its backlog will be done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.bill.calls import budget_key as bill_budget_key
from shared.bill.session import BillCredentials
from shared.budget import Budget, Usage
from shared.errors import ConnectorError
from shared.tenants import TenantConfig
from shared.visma.calls import budget_key as visma_budget_key

CALLS_OF_A_RECORD: Final = {"bill": 1, "visma": 2}
"""What a changed record costs: one read in BILL, GET and PUT in Visma. A new one costs one call less."""

_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left to do: records, how many a minute were done lately (None: none), when it will be done."""

    records: int
    per_minute: float | None
    done_at: datetime | None


def read_usage(
    budget: Budget, config: TenantConfig, find_credentials: Callable[[], BillCredentials]
) -> dict[str, Usage | None]:
    """This hour's calls with BILL's developer key and at the Visma company, by system.

    None for BILL without credentials that open. Raises ``Retryable`` when Redis does not answer.
    """
    limits = config.limits
    usage: dict[str, Usage | None] = {"bill": None}
    try:
        key = bill_budget_key(find_credentials())
    except (ConnectorError, ValueError, TypeError):  # none yet, or sealed under a key that is gone
        key = None
    if key is not None:
        usage["bill"] = budget.read(key, limits.bill_calls_per_hour)
    usage["visma"] = budget.read(visma_budget_key(config.visma), limits.visma_calls_per_hour)
    return usage


def estimate(
    now: datetime, left: int, per_minute: float | None, usage: Mapping[str, Usage | None]
) -> Backlog:
    """When ``left`` records will be done: at the pace of late, and not sooner than the hours' calls allow.

    Without anything done lately nobody can tell, unless it is the calls that hold it back.
    """
    by_calls_s = max((_wait_s(left, system, each) for system, each in usage.items() if each), default=0.0)
    by_pace_s = left / per_minute * 60 if per_minute else None
    if left == 0 or (by_pace_s is None and by_calls_s == 0.0):
        return Backlog(left, per_minute, None)
    return Backlog(left, per_minute, now + timedelta(seconds=round(max(by_calls_s, by_pace_s or 0.0))))


def _wait_s(left: int, system: str, usage: Usage) -> float:
    """Seconds until the last of ``left`` records has its calls; 0 while this hour's suffice."""
    each = CALLS_OF_A_RECORD[system]
    beyond = left - usage.left // each
    if beyond <= 0:
        return 0.0
    an_hour = max(1, usage.limit // each)
    until_next_s = usage.blocked_s or _HOUR_S
    return until_next_s + (math.ceil(beyond / an_hour) - 1) * _HOUR_S
