"""The task that turns accepted webhooks into due records."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.sync.drain import drain
from workers.wiring import get_context


@shared_task(name=queues.DRAIN_EVENTS)
def drain_events() -> int:
    """Drain the event stream and send what became due; how many events there were."""
    context = get_context()
    return drain(context.stream, context.pool, context.dispatcher, context.worker_name)
