"""What ``connector status`` tells of this hour's calls and of the backlog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.circuit import SYSTEMS
from shared.errors import Retryable
from shared.store.progress import Pace
from shared.store.tenants import TenantRow
from workers.cli.output import note, shown_time
from workers.cli.session import Session
from workers.sync.pace import Backlog, estimate, read_usage

if TYPE_CHECKING:
    from workers.wiring import Context


def backlog_of(pace: Pace | None) -> dict[str, Any]:
    """What the database alone tells of the backlog."""
    per_minute = pace.per_minute if pace else None
    rounded = None if per_minute is None else round(per_minute, 1)
    return asdict(Backlog(pace.left if pace else 0, rounded, None))


def add_what_redis_knows(session: Session, rows: list[TenantRow], report: list[dict[str, Any]]) -> None:
    """Circuits, calls, and when the backlog is done; None where Redis is away."""
    with session.context() as context:
        try:
            ask_redis(context, rows, report)
        except Retryable:
            note("Redis does not answer, so circuits and calls are not known: check REDIS_URL and its server")


def ask_redis(context: Context, rows: list[TenantRow], report: list[dict[str, Any]]) -> None:
    """Add circuits (``open`` or ``closed``), calls, and when the backlog is done.

    Raises Retryable where Redis does not answer.
    """
    found = context.circuits.find_open([row.config.id for row in rows])
    for row, entry in zip(rows, report, strict=True):
        tenant = row.config.id
        usage = read_usage(context.budget, row.config, partial(context.bill_credentials, tenant))
        entry["circuit"] = {system: "open" if found[tenant, system] else "closed" for system in SYSTEMS}
        entry["calls"] = {system: each and asdict(each) for system, each in usage.items()}
        left, per_minute = entry["backlog"]["records"], entry["backlog"]["per_minute"]
        entry["backlog"] = asdict(estimate(context.clock(), left, per_minute, usage))


def shown_backlog(backlog: Mapping[str, Any]) -> str | None:
    """One line, or None where there is nothing left to do."""
    if not backlog["records"]:
        return None
    pace = f", {backlog['per_minute']:g} a minute" if backlog["per_minute"] else ""
    done_at = f", done about {shown_time(backlog['done_at'])}" if backlog["done_at"] else ""
    return f"{backlog['records']} records{pace}{done_at}"


def shown_calls(calls: Mapping[str, Mapping[str, Any] | None]) -> str:
    """One line for both systems."""
    said = []
    for system, usage in calls.items():
        if usage is None:
            said.append(f"{system} ?")
            continue
        wait = f", none for {usage['blocked_s']:.0f} s" if usage["blocked_s"] else ""
        said.append(f"{system} {usage['used']} used, {usage['left']} left of {usage['limit']}{wait}")
    return "; ".join(said)
