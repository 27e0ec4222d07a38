"""Sends due records to the workers. A message is a nudge: losing or doubling one costs time only.

What is due waits in PostgreSQL, and only a few messages of a tenant are on their way at a time. So a burst
or a backfill of one tenant never stands before another's webhook, and priorities hold until the last
moment: whoever finishes a record sends that tenant's next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from shared import queues
from shared.bill.models import Kind
from shared.circuit import Circuits
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
MOST_OF_ONE_TENANT = 6
"""Messages of one tenant on their way: more than write to its company at once, so that reading goes on
meanwhile; fewer than the pool slots of a worker."""

AGAIN_S = 60
"""A row dispatched this long ago and still due has lost its message."""


class Dispatcher:
    """Sends tasks by name through one Celery app."""

    def __init__(self, sender: Celery, pool: Pool, circuits: Circuits) -> None:
        self._sender = sender
        self._pool = pool
        self._circuits = circuits

    def dispatch(self, due: Iterable[Due]) -> int:
        """Send on the tenants of these records; how many tasks were sent."""
        return sum(self.dispatch_of(tenant) for tenant in dict.fromkeys(one.tenant for one in due))

    def dispatch_due(self) -> int:
        """Send on every tenant that has something due; how many tasks were sent."""
        with self._pool.connection() as conn:
            found = records.find_tenants_with_work(conn)
        return sum(self.dispatch_of(tenant) for tenant in found)

    def dispatch_of(self, tenant: str) -> int:
        """Send a tenant's next records, as far as it has room; with an open circuit one probe at most."""
        most = self._circuits.find_room(tenant, MOST_OF_ONE_TENANT)
        if most == 0:
            return 0
        with self._pool.connection() as conn:
            chosen = records.take_due(conn, tenant, most=most, again_s=AGAIN_S)
        for at, one in enumerate(chosen):
            try:
                self._send_record(one)
            except OperationalError:  # refused, as by a Redis whose disk is full: due again, not in a minute
                self._take_back(chosen[at:])
                raise
        return len(chosen)

    def _send_record(self, one: Due) -> None:
        self._sender.send_task(TASKS[one.kind], args=(one.tenant, one.bill_id), queue=QUEUES[one.urgency])

    def _take_back(self, unsent: Iterable[Due]) -> None:
        with self._pool.connection() as conn:
            for one in unsent:
                records.undispatch(conn, one)

    def send(self, task: str, *args: Any) -> None:
        """Send one task to its own queue."""
        self._sender.send_task(task, args=args)
