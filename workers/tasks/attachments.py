"""The task that copies one bill's documents to its supplier invoice."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.base import ConnectorTask
from workers.copying import run_copying
from workers.sync.duty import send_copying
from workers.wiring import get_context


@shared_task(
    name=queues.COPY_ATTACHMENTS,
    bind=True,
    soft_time_limit=queues.COPYING_SOFT_TIME_LIMIT_S,
    time_limit=queues.COPYING_TIME_LIMIT_S,
)
def copy_attachments(self: ConnectorTask, tenant: str, bill_id: str) -> str:
    """Copy what is missing of a bill's documents; one word for what came of it.

    Its place goes to the next bill at once: with a tick a second, thousands would take hours.
    """
    word = run_copying(self, tenant, bill_id)
    context = get_context()
    send_copying(context.pool, context.dispatcher)
    return word
