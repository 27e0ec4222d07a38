"""Sends due records to the workers. A message is a nudge: losing or doubling one costs time only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from celery import Celery

from shared import queues
from shared.bill.models import Kind
from shared.store import records
from shared.store.pool import Pool
from shared.store.records import Due, Urgency

TASKS: dict[Kind, str] = {
    "vendor": queues.UPSERT_SUPPLIER,
    "bill": queues.UPSERT_SUPPLIER_INVOICE,
}
QUEUES = {
    Urgency.WEBHOOK: queues.WEBHOOKS,
    Urgency.POLL: queues.POLLS,
    Urgency.BACKFILL: queues.BACKFILL,
}
MOST_AT_ONCE = 200
"""Messages of one batch; what is over stays due in the database, and the next tick sends it."""

AGAIN_S = 60
"""A row dispatched this long ago and still due has lost its message."""


class Dispatcher:
    """Sends tasks by name through one Celery app."""

    def __init__(self, sender: Celery, pool: Pool) -> None:
        self._sender = sender
        self._pool = pool

    def dispatch(self, due: Sequence[Due]) -> int:
        """Send tasks for these records, at most ``MOST_AT_ONCE``; marked before they are sent."""
        chosen = due[:MOST_AT_ONCE]
        self._mark(chosen)
        self._send(chosen)
        return len(chosen)

    def dispatch_due(self) -> int:
        """Send what is due and was not dispatched lately, so far as the queues are not full."""
        with self._pool.connection() as conn:
            room = MOST_AT_ONCE - records.count_dispatched(conn, within_s=AGAIN_S)
            chosen = records.take_due(conn, count=room, again_s=AGAIN_S) if room > 0 else []
        self._send(chosen)
        return len(chosen)

    def send(self, task: str, *args: Any) -> None:
        """Send one task to its own queue."""
        self._sender.send_task(task, args=args)

    def _mark(self, chosen: Iterable[Due]) -> None:
        by_kind: dict[tuple[str, Kind], list[str]] = defaultdict(list)
        for one in chosen:
            by_kind[one.tenant, one.kind].append(one.bill_id)
        if not by_kind:
            return
        with self._pool.connection() as conn:
            for (tenant, kind), bill_ids in by_kind.items():
                records.mark_dispatched(conn, tenant, kind, bill_ids)

    def _send(self, chosen: Iterable[Due]) -> None:
        for one in chosen:
            self._sender.send_task(TASKS[one.kind], args=(one.tenant, one.bill_id), queue=QUEUES[one.urgency])
