"""``connector records``: what became of each vendor and bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.errors import UsageError
from shared.store.history import list_entries
from shared.store.records import Record, find, list_records
from shared.store.tenants import get_tenant
from workers.cli.chain import Step, follow_record
from workers.cli.output import json_option, print_facts, print_heading, print_json, print_table, shown_time
from workers.cli.reasons import STATES, Advice
from workers.cli.session import Session, pass_session
from workers.cli.why import advise_on, describe_in_visma, print_next_steps, tell_in_visma

KINDS = ("vendor", "bill")
_MARKS = {"passed": "ok  ", "stopped": "STOP", "not_reached": "-   "}


@click.group(short_help="What became of each vendor and bill.")
def records() -> None:
    """What became of each vendor and bill of a tenant."""


@records.command("list", short_help="List a tenant's vendors and bills.")
@click.argument("tenant")
@click.option("--kind", type=click.Choice(KINDS), help="Only vendors, or only bills.")
@click.option("--state", type=click.Choice(tuple(STATES)), help="Only records in this state.")
@json_option
@pass_session
def list_(session: Session, tenant: str, kind: Kind | None, state: str | None, as_json: bool) -> None:
    """List a tenant's vendors and bills with their state, and why those that are not in Visma are not.

    \b
    Example:
      connector records list acme-se --kind bill --state held
    """
    with session.database() as conn:
        row = get_tenant(conn, tenant)
        found = list_records(conn, tenant, kind=kind, state=state)
    if as_json:
        print_json([record_to_json(record) for record in found])
        return
    columns = ("kind", "BILL id", "label", "state", "reason", "Visma", "changed in BILL", "synced", "why")
    print_table(columns, (_row(record) for record in found), empty="no records")
    print_next_steps(found, row)


def _row(record: Record) -> tuple[Any, ...]:
    return (
        record.kind,
        record.bill_id,
        record.label,
        record.state,
        record.reason,
        record.visma_number,
        record.bill_updated_at,
        record.synced_at,
        None if record.state == "synced" else record.detail,
    )


@records.command("show", short_help="Show one record and its history.")
@click.argument("tenant")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("bill_id", metavar="ID")
@json_option
@pass_session
def show(session: Session, tenant: str, kind: Kind, bill_id: str, as_json: bool) -> None:
    """Show one record: its state, why, what to do next, how far it came, and its history.

    ID is the vendor's or the bill's id in BILL. The way from BILL to Visma is told step by step: what
    BILL has, how it was heard of, whether it is to be carried over, its vendor, the mapping, what was
    sent, and what Visma shows.

    \b
    Example:
      connector records show acme-se bill 00n01EXAMPLE
    """
    with session.database() as conn:
        row = get_tenant(conn, tenant)
        record = find(conn, tenant, kind, bill_id)
        if record is None:
            raise UsageError(
                f"{tenant} has no {kind} {bill_id!r} here yet: "
                f"fetch it with `connector sync {tenant} --{kind} ID`"
            )
        history = list_entries(conn, tenant, kind, bill_id)
        in_visma = describe_in_visma(conn, record)
        chain = follow_record(conn, record, history, tell_in_visma(in_visma))
    advice = advise_on(record, row)
    if as_json:
        steps = [asdict(step) for step in chain]
        told = {"meaning": advice.meaning, "next": advice.next_step, "in_visma": in_visma, "chain": steps}
        entries = [_entry_to_json(entry) for entry in history]
        print_json({**record_to_json(record), **told, "history": entries})
        return
    _print_record(record, advice, tell_in_visma(in_visma))
    _print_chain(chain)
    _print_history(history)


def record_to_json(record: Record) -> dict[str, Any]:
    """A record under the keys that scripts hold on to."""
    return {
        "tenant": record.tenant,
        "kind": record.kind,
        "bill_id": record.bill_id,
        "label": record.label,
        "vendor_id": record.vendor_id,
        "state": record.state,
        "reason": record.reason,
        "detail": record.detail,
        "visma_type": record.visma_type,
        "visma_number": record.visma_number,
        "bill_updated_at": record.bill_updated_at,
        "synced_at": record.synced_at,
        "attempts": record.attempts,
        "next_attempt_at": record.next_attempt_at,
    }


def _entry_to_json(entry: DictRow) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in {"tenant", "kind", "bill_id"}}


def _print_record(record: Record, advice: Advice, in_visma: str | None) -> None:
    visma = " ".join(filter(None, (record.visma_type, record.visma_number)))
    print_facts(
        [
            (record.kind, record.bill_id),
            ("label", record.label),
            ("vendor", record.vendor_id),
            ("state", record.state),
            ("reason", record.reason),
            ("detail", record.detail),
            ("meaning", advice.meaning),
            ("next", advice.next_step),
            ("Visma", visma),
            ("there", in_visma),
            ("changed in BILL", record.bill_updated_at),
            ("synced", record.synced_at),
            ("attempts", record.attempts or None),
            ("next attempt", record.next_attempt_at),
        ]
    )


def _print_chain(chain: Sequence[Step]) -> None:
    print_heading("From BILL to Visma")
    print_facts((f"{_MARKS[step.state]} {step.step}", _tell(step)) for step in chain)


def _tell(step: Step) -> str:
    return f"{step.what} ({shown_time(step.at)})" if step.at else step.what


def _print_history(history: list[DictRow]) -> None:
    print_heading("History")
    if not history:
        print_facts([("", "nothing yet")])
    for entry in history:
        number = f"Visma {entry['visma_number']}" if entry["visma_number"] else None
        said = filter(
            None, (entry["action"], entry["reason"], number, entry["detail"], f"by {entry['actor']}")
        )
        print_facts([(shown_time(entry["at"]), ", ".join(said))])
        print_facts([(f"  {name}", text) for name, text in map(_shown_change, entry["changes"])])


def _shown_change(change: dict[str, Any]) -> tuple[str, str]:
    before, after = (_shown_value(change.get(key)) for key in ("before", "after"))
    return str(change["field"]), f"{before} -> {after}"


def _shown_value(value: Any) -> str:
    return "(none)" if value is None else str(value)
