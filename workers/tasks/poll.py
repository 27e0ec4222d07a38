"""The tasks that walk the lists of both systems."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from shared import queues
from workers.base import ConnectorTask, Walk
from workers.sync.backfill import walk_backfill
from workers.sync.duty import send_polls
from workers.sync.poll_bill import walk_bill, walk_sweep, walk_waiting
from workers.sync.poll_visma import walk_visma
from workers.sync.recover import walk_events
from workers.wiring import get_context

Resume = dict[str, Any] | None
"""Where the piece before ended, of a walk that is done in pieces."""


@shared_task(name=queues.POLL_BILL, bind=True)
def poll_bill(self: ConnectorTask, tenant: str, kind: str, token: str, resume: Resume = None) -> int:
    """Walk BILL's vendors or bills since the watermark; how many rows were seen."""
    return _walk(self, "bill", tenant, kind, token, walk_bill, resume)


@shared_task(name=queues.READ_WAITING, bind=True)
def read_waiting(self: ConnectorTask, tenant: str, kind: str, token: str, resume: Resume = None) -> int:
    """Read the bills that wait for approval again; how many there were."""
    return _walk(self, "waiting", tenant, kind, token, walk_waiting, resume)


@shared_task(name=queues.SWEEP, bind=True)
def sweep(self: ConnectorTask, tenant: str, kind: str, token: str, resume: Resume = None) -> int:
    """Compare BILL's vendors or bills of the sweep window; how many rows were seen."""
    return _walk(self, "sweep", tenant, kind, token, walk_sweep, resume)


@shared_task(name=queues.POLL_VISMA, bind=True)
def poll_visma(self: ConnectorTask, tenant: str, kind: str, token: str, resume: Resume = None) -> int:
    """Walk Visma's suppliers or supplier invoices into the index; how many were seen."""
    return _walk(self, "visma", tenant, kind, token, walk_visma, resume)


@shared_task(name=queues.RECOVER_EVENTS, bind=True)
def recover_events(self: ConnectorTask, tenant: str, kind: str, token: str, resume: Resume = None) -> int:
    """Fetch from BILL's log what never reached us, and switch delivery on; how many were listed."""
    find_log = get_context().find_delivery_log
    return _walk(self, "events", tenant, kind, token, lambda work: walk_events(work, find_log), resume)


@shared_task(name=queues.SYNC_TENANT, bind=True)
def sync_tenant(self: ConnectorTask, tenant: str, kind: str, token: str, resume: Resume = None) -> int:
    """Make everything that changed in BILL since a day due, as a backfill; how many rows were seen."""
    return _walk(self, "backfill", tenant, kind, token, walk_backfill, resume)


def _walk(
    task: ConnectorTask, source: str, tenant: str, kind: str, token: str, walk: Walk, resume: Resume
) -> int:
    """Run a walk; the next that waited for it to end goes at once, not with the next tick."""
    rows = task.walk(source, tenant, kind, token, walk, resume)
    context = get_context()
    send_polls(context.pool, context.dispatcher)
    return rows
