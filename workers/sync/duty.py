"""What a tick sets going: polls and copying that are due, and held records whose cause may be gone."""

from __future__ import annotations

from shared import queues
from shared.store import attachments, records, tenants, watermarks
from shared.store.pool import Pool
from workers.sync.dispatch import AGAIN_S, Dispatcher

POLLS = {
    "bill": queues.POLL_BILL,
    "waiting": queues.READ_WAITING,
    "sweep": queues.SWEEP,
    "visma": queues.POLL_VISMA,
    "events": queues.RECOVER_EVENTS,
    "backfill": queues.SYNC_TENANT,
}

MOST_POLLS = 2
MOST_LONG_WALKS = 1
"""Walks of one tenant at once. A piece of a long list takes its slot for many seconds: one tenant's walks and
files never take all slots of a worker, so that another's webhooks find one."""

MOST_COPYING = 40
MOST_COPYING_OF_ONE_TENANT = 2
"""Bills whose documents are on their way at once: files take long, and records go before them."""


def send_polls(pool: Pool, dispatcher: Dispatcher) -> int:
    """Send a task for every poll that is due; each is given to one tick only."""
    with pool.connection() as conn:
        due = watermarks.take_due_polls(conn, most=MOST_POLLS, most_long=MOST_LONG_WALKS)
    for poll in due:
        dispatcher.send(POLLS[poll.source], poll.tenant, poll.kind, str(poll.token))
    return len(due)


def send_copying(pool: Pool, dispatcher: Dispatcher) -> int:
    """Send a task for every bill whose documents are to be looked at; each is given to one tick only."""
    with pool.connection() as conn:
        due = attachments.take_due(
            conn, most=MOST_COPYING, most_of_tenant=MOST_COPYING_OF_ONE_TENANT, again_s=AGAIN_S
        )
    for tenant, bill_id in due:
        dispatcher.send(queues.COPY_ATTACHMENTS, tenant, bill_id)
    return len(due)


def rejudge_held(pool: Pool) -> int:
    """Make held records due whose last judgement is a poll interval old; how many there were."""
    count = 0
    with pool.connection() as conn:
        for row in tenants.list_tenants(conn):
            if row.is_active:
                older_s = row.config.sync.poll_interval_s
                count += len(records.rejudge_held(conn, row.config.id, older_s=older_s))
    return count
