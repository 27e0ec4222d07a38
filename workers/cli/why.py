"""Why records are not in Visma, in an accountant's words, and what to do: for ``status`` and ``records``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shared.store import progress, visma_index
from shared.store.pool import Conn
from shared.store.records import Record
from shared.store.tenants import TenantRow
from shared.store.visma_index import Entry
from workers.cli.output import print_heading, print_table
from workers.cli.reasons import PAUSED, SUSPENDED, Advice, advise


def advise_on(record: Record, row: TenantRow) -> Advice:
    """What one record's state means and what to do next, with commands that can be copied."""
    advice = _judge(record.state, record.reason, row)
    vendor_id = record.bill_id if record.kind == "vendor" else record.vendor_id
    step = advice.next_step.replace("VENDOR_ID", vendor_id) if vendor_id else advice.next_step
    return Advice(advice.meaning, step)


def _judge(state: str, reason: str | None, row: TenantRow) -> Advice:
    advice = advise(state, reason)
    if state == "pending" and not row.is_active:
        advice = PAUSED if row.paused else SUSPENDED
    return Advice(advice.meaning, advice.next_step.replace("TENANT", row.config.id))


def count_reasons(conn: Conn, row: TenantRow) -> list[dict[str, Any]]:
    """Every reason why records of a tenant are not in Visma, with how many it concerns and what to do."""
    found = []
    for counted in progress.count_unsynced(conn, row.config.id):
        advice = _judge(counted["state"], counted["reason"], row)
        found.append({**counted, "meaning": advice.meaning, "next": advice.next_step})
    return found


def print_reasons(reasons: Sequence[dict[str, Any]]) -> None:
    """The same for people; nothing where everything is in Visma."""
    if not reasons:
        return
    print_heading("not in Visma, and why")
    rows = [
        (
            f"{one['count']} {one['kind']}{'s' if one['count'] > 1 else ''}",
            _named(one),
            _told(one),
            one["next"],
        )
        for one in reasons
    ]
    print_table(("how many", "state", "why", "what to do"), rows, empty="")


def _named(reason: dict[str, Any]) -> str:
    return ": ".join(filter(None, (reason["state"], reason["reason"])))


def _told(reason: dict[str, Any]) -> str:
    return f"{reason['meaning']} {reason['detail'] or ''}".strip()


def print_next_steps(records: Iterable[Record], row: TenantRow) -> None:
    """Below a list of records: what to do about each reason in it, once."""
    steps = {
        record.reason or record.state: _judge(record.state, record.reason, row)
        for record in records
        if record.state != "synced"
    }
    if steps:
        print_heading("what to do")
        rows = [(name, advice.meaning, advice.next_step) for name, advice in steps.items()]
        print_table(("why", "meaning", "next"), rows, empty="")


def describe_in_visma(conn: Conn, record: Record) -> dict[str, Any] | None:
    """The record's document as Visma's lists last showed it; None where it has none, or none was listed."""
    if record.visma_number is None:
        return None
    kind: visma_index.IndexKind = "supplier" if record.kind == "vendor" else "supplier_invoice"
    entry = visma_index.find_entry(conn, record.tenant, kind, str(record.visma_type), record.visma_number)
    return None if entry is None else _describe(record, entry)


def _describe(record: Record, entry: Entry) -> dict[str, Any]:
    ours = (record.body or {}).get("origin") == "created"
    return {
        "status": entry.status,
        "total": entry.total,
        "currency": entry.currency,
        "entered_by": "the connector" if ours else "a person",
        "changed_in_visma": entry.etag != record.visma_etag,
    }


def tell_in_visma(shown: dict[str, Any] | None) -> str | None:
    """The same as one line."""
    if shown is None:
        return None
    amount = f"{shown['total']:f} {shown['currency']}" if shown["total"] is not None else None
    edited = "changed there since we last wrote it" if shown["changed_in_visma"] else None
    return ", ".join(filter(None, (shown["status"], amount, f"entered by {shown['entered_by']}", edited)))
