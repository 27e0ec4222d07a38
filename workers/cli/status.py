"""``connector status``: how every tenant is doing."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import click

from shared.circuit import SYSTEMS
from shared.store import alerts, dead_letters, progress, records, watermarks
from shared.store.pool import Conn
from shared.store.tenants import TenantRow, get_tenant, list_tenants
from workers.cli.output import (
    Cell,
    json_option,
    print_facts,
    print_heading,
    print_json,
    print_table,
    say,
)
from workers.cli.pace import add_what_redis_knows, backlog_of, shown_backlog, shown_calls
from workers.cli.reasons import STATES
from workers.cli.records import KINDS
from workers.cli.session import Session, pass_session
from workers.cli.why import count_reasons, print_reasons


@click.command(short_help="Counts, lag, polls, what is held and dead.")
@click.argument("tenant", required=False)
@json_option
@pass_session
def status(session: Session, tenant: str | None, as_json: bool) -> None:
    """Show how one tenant or every tenant is doing.

    Counts by kind and state, how long the oldest work has waited, when each list was last read, which
    system is left alone for a while because it does not answer (its circuit is open), this hour's calls
    with BILL's developer key and at the Visma company, when the backlog will be done, what needs a person
    (held records, dead letters, alerts), and why whatever is not in Visma is not, with what to do.

    \b
    Example:
      connector status acme-se
    """
    with session.database() as conn:
        rows = [get_tenant(conn, tenant)] if tenant else list_tenants(conn)
        report = collect(conn, rows)
    add_what_redis_knows(session, rows, report)
    if as_json:
        print_json(report)
        return
    if not report:
        say("no tenants yet: add one with `connector tenant apply FILE`")
    for entry in report:
        _print_tenant(entry)


def state_of(row: TenantRow) -> str:
    """``active``, ``paused`` or ``suspended``."""
    if row.paused:
        return "paused"
    return "suspended" if row.suspended else "active"


def collect(conn: Conn, rows: list[TenantRow]) -> list[dict[str, Any]]:
    """One object a tenant, as ``--json`` prints it."""
    counts: dict[str, dict[str, dict[str, int]]] = defaultdict(_no_counts)
    for row in records.count_by_state(conn):
        counts[row["tenant"]][row["kind"]][row["state"]] = row["count"]
    lag: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(KINDS, 0.0))
    for row in records.measure_lag(conn):
        lag[row["tenant"]][row["kind"]] = round(row["lag_s"], 1)
    polls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in watermarks.list_watermarks(conn):
        polls[row["tenant"]].append({key: row[key] for key in _POLL_KEYS})
    letters = dead_letters.count_open(conn)
    pace, looked_up = progress.measure_pace(conn), progress.count_looked_up(conn)
    return [
        {
            "tenant": row.config.id,
            "name": row.config.name,
            "state": state_of(row),
            "suspended": row.suspended,
            "records": counts[row.config.id],
            "lag_s": lag[row.config.id],
            "polls": polls[row.config.id],
            "held": sum(by_state["held"] for by_state in counts[row.config.id].values()),
            "dead_letters": letters.get(row.config.id, 0),
            "resolved_by_look_up": looked_up.get(row.config.id, 0),
            "alerts": [dict(alert) for alert in alerts.list_alerts(conn, row.config.id)],
            "backlog": backlog_of(pace.get(row.config.id)),
            "circuit": dict.fromkeys(SYSTEMS),
            "calls": dict.fromkeys(SYSTEMS),
            "reasons": count_reasons(conn, row),
        }
        for row in rows
    ]


_POLL_KEYS = ("source", "kind", "last_complete_at", "next_poll_at", "last_error")


def _no_counts() -> dict[str, dict[str, int]]:
    return {kind: dict.fromkeys(STATES, 0) for kind in KINDS}


def _print_tenant(entry: dict[str, Any]) -> None:
    print_heading(f"{entry['tenant']}  {entry['name']}: {entry['state']}")
    if entry["suspended"]:
        say(f"{entry['suspended']}; set them again with `connector credentials set {entry['tenant']} ...`")
    columns = ("records", *STATES, "oldest work")
    print_table(columns, (_counts_row(entry, kind) for kind in KINDS), empty="")
    polls = [
        (f"{poll['source']} {poll['kind']}", *(poll[key] for key in _POLL_KEYS[2:]))
        for poll in entry["polls"]
    ]
    print_table(("list", "last read whole", "next", "last error"), polls, empty="no lists are read yet")
    print_facts(
        [
            ("backlog", shown_backlog(entry["backlog"])),
            ("calls this hour", shown_calls(entry["calls"])),
            ("circuits", ", ".join(f"{system} {state or '?'}" for system, state in entry["circuit"].items())),
            ("held", _with_command(entry["held"], f"records list {entry['tenant']} --state held")),
            ("dead letters", _with_command(entry["dead_letters"], f"dead-letters list {entry['tenant']}")),
            ("resolved by look-up", entry["resolved_by_look_up"] or None),
            *(("alert", alert["detail"]) for alert in entry["alerts"]),
        ]
    )
    print_reasons(entry["reasons"])


def _counts_row(entry: dict[str, Any], kind: str) -> tuple[Cell, ...]:
    lag_s = entry["lag_s"][kind]
    return (f"{kind}s", *entry["records"][kind].values(), f"{lag_s:.0f} s" if lag_s else "")


def _with_command(count: int, command: str) -> str:
    return f"{count}: `connector {command}`" if count else "0"
