"""Ends the work on a record: its row, its history and what it frees, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.errors import Ignored, NeedsPerson
from shared.store import attachments, dead_letters, history, records, visma_index
from shared.store.pool import Conn
from shared.store.records import Due, Parking, Record, Urgency
from workers.sync.outcome import Outcome, held, settled
from workers.sync.vendor_link import VENDOR, VENDOR_FIRST
from workers.sync.work import Work


def outcome_of(work: Work, upsert: Callable[[Work], Outcome]) -> Outcome:
    """What ``upsert`` comes to, also where it ends with a person's turn or finds the record not ours.

    Then a write without an answer that it did not come to look at stays announced.
    """
    try:
        return upsert(work)
    except NeedsPerson as error:
        outcome = held(work.record, error)
    except Ignored as error:
        outcome = settled(work.record, "ignored", version=None, detail=str(error))
    return replace(outcome, finish=replace(outcome.finish, unanswered=work.unanswered))


def settle(work: Work, outcome: Outcome, *, actor: str, task_id: str | None) -> list[Due]:
    """Record an outcome and tell who waits for it; what is due because of it.

    Raises ClaimLost when the row is another worker's by now: nothing is recorded then.
    """
    with work.conn() as conn, conn.transaction():
        due = store_outcome(conn, work, outcome, actor=actor, task_id=task_id)
        records.notify(conn, work.record.tenant)
    return due


def store_outcome(conn: Conn, work: Work, outcome: Outcome, *, actor: str, task_id: str | None) -> list[Due]:
    """The rows of an outcome, within the caller's transaction; what is due because of it."""
    record = work.record
    still_due = records.finish(conn, record, outcome.finish)
    visma_index.put_entries(conn, outcome.entries)
    if outcome.wrote or outcome.notes or _is_news(record, outcome):
        history.add_entry(conn, _entry(record, outcome, actor, task_id))
    if outcome.finish.state != "held":
        dead_letters.close_letters(conn, record.tenant, record.kind, record.bill_id, by=actor)
    due = _free(conn, record, outcome)
    _want_documents(conn, work, outcome)
    if still_due:
        due.append(Due(record.tenant, record.kind, record.bill_id, Urgency.WEBHOOK))
    return due


def _free(conn: Conn, record: Record, outcome: Outcome) -> list[Due]:
    """Bills that waited for this vendor go on, whatever became of it; with another supplier, all of them."""
    if record.kind != VENDOR:
        return []
    synced = outcome.finish.state == "synced"
    freed = records.free_bills(conn, record.tenant, record.bill_id, synced=synced)
    moved = outcome.finish.visma_number != record.visma_number is not None
    return freed + (records.move_bills(conn, record.tenant, record.bill_id) if moved else [])


def _want_documents(conn: Conn, work: Work, outcome: Outcome) -> None:
    """A bill that just got a supplier invoice, or a newer one, has its documents looked at."""
    carried = work.record.kind == "bill" and outcome.action in {"created", "updated", "adopted"}
    if carried and work.tenant.sync.attachments:
        attachments.want(conn, work.record.tenant, work.record.bill_id)


def _is_news(record: Record, outcome: Outcome) -> bool:
    """Whether people should read of it: a first judgement, or another state or reason than before."""
    before = (record.reason, record.detail) if record.done else None
    now = (outcome.finish.reason, outcome.finish.detail)
    return outcome.action != "unchanged" and before != now


def _entry(record: Record, outcome: Outcome, actor: str, task_id: str | None) -> history.Entry:
    detail = "; ".join(filter(None, (outcome.finish.detail, *outcome.notes)))
    return history.Entry(
        tenant=record.tenant,
        kind=record.kind,
        bill_id=record.bill_id,
        actor=actor,
        action=outcome.action,
        reason=outcome.finish.reason,
        detail=detail or None,
        changes=outcome.changes,
        visma_type=outcome.finish.visma_type,
        visma_number=outcome.finish.visma_number,
        task_id=task_id,
    )


def park_behind_vendor(work: Work, detail: str) -> bool:
    """Park a bill until its vendor is settled; True when that happened meanwhile and it is due now.

    The vendor's row is locked for the moment, so that it cannot be settled between our look and our
    parking, and the bill then wait for a wake-up that already was.
    """
    record = work.record
    with work.conn() as conn, conn.transaction():
        parked = records.find(conn, record.tenant, record.kind, record.bill_id)
        vendor_id = parked.vendor_id if parked else None
        vendor = records.find(conn, record.tenant, VENDOR, vendor_id, lock=True) if vendor_id else None
        ready = vendor is not None and vendor.wanted == vendor.done
        parking = Parking(0 if ready else 60, detail, VENDOR_FIRST, counts=False)
        records.park(conn, record, parking)
    return ready
