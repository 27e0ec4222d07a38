"""Turns accepted webhooks into rows: the raw event, and the record it makes due.

The nudge mark is cleared before reading, and entries are acknowledged after their transaction: a crash
anywhere between repeats work, and a repeat of an event id ends at the events table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from shared import jsontext, logs
from shared.bill.events import BillEvent, parse_event
from shared.store import dead_letters, events, records, tenants
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn, Pool
from shared.store.records import Due, Heard
from shared.stream import EventStream, StreamEntry
from workers.sync.content import not_in_future
from workers.sync.dispatch import Dispatcher

log = logs.get_logger(__name__)

EVENT_TASK_ID = "event:"
"""Before a stream entry's id: the task id of its dead letter, so that reading it twice leaves one."""

STALE_MS = 10_000
"""Entries that a drain has had for so long are taken from it: it died on them."""


def drain(stream: EventStream, pool: Pool, dispatcher: Dispatcher, consumer: str) -> int:
    """Drain the stream until it is empty and send what became due; how many events there were."""
    stream.clear_nudge()
    count = 0
    batch = stream.claim_stale(consumer, STALE_MS) or stream.read(consumer)
    while batch:
        with pool.connection() as conn:
            due = store_entries(conn, batch)
        stream.acknowledge([entry.id for entry in batch])
        dispatcher.dispatch(due)
        count += len(batch)
        batch = stream.read(consumer)
    return count


def store_entries(conn: Conn, batch: Sequence[StreamEntry]) -> list[Due]:
    """One transaction: the raw events, and what they make due; what cannot be read becomes a dead letter."""
    due: list[Due] = []
    with conn.transaction():
        known = {row.config.id for row in tenants.list_tenants(conn)}
        parsed = [(entry, _parse(conn, entry, known)) for entry in batch]
        rows = [_event(entry, event) for entry, event in parsed if event is not None]
        fresh = events.add_events(conn, rows)
        heard: dict[str, list[Heard]] = defaultdict(list)
        for entry, event in parsed:
            if event is not None and (entry.tenant, event.event_id) in fresh:
                fresh.discard((entry.tenant, event.event_id))
                heard[entry.tenant].append(_heard(event, entry.received_at))
        for tenant in sorted(heard):
            due += records.make_due(conn, tenant, heard[tenant])
    return list(dict.fromkeys(due))


def _parse(conn: Conn, entry: StreamEntry, known: set[str]) -> BillEvent | None:
    """The event, or None with a dead letter that holds its raw bytes."""
    try:
        if entry.tenant not in known:
            raise ValueError("the tenant is not known any more")
        return parse_event(entry.body)
    except ValueError as error:
        log.error("event cannot be read", action="event.unreadable", tenant=entry.tenant, why=str(error))
        dead_letters.add_letter(
            conn,
            DeadLetter(
                task="connector.drain_events",
                args=[],
                error_class="UnreadableEvent",
                error=str(error),
                task_id=EVENT_TASK_ID + entry.id,
                tenant=entry.tenant,
                raw=entry.body,
            ),
        )
        return None


def _event(entry: StreamEntry, event: BillEvent) -> events.Event:
    return events.Event(
        tenant=entry.tenant,
        event_id=event.event_id,
        event_type=event.event_type,
        kind=event.kind,
        bill_id=event.bill_id,
        body=entry.body,
        received_at=entry.received_at,
    )


def _heard(event: BillEvent, received_at: datetime) -> Heard:
    """A vendor's notification carries the vendor; a bill's says only that it must be read again."""
    updated_at = not_in_future(event.updated_at, received_at)
    if event.kind == "vendor" and updated_at is not None:
        content = jsontext.dumps(event.entity).encode()
        label = str(event.entity.get("name") or "") or None
        return Heard("vendor", event.bill_id, updated_at, content, whole=False, label=label)
    return Heard(event.kind, event.bill_id, updated_at)
