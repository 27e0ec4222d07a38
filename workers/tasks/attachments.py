"""The task that copies one bill's documents to its supplier invoice."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.base import ConnectorTask
from workers.copying import run_copying


@shared_task(
    name=queues.COPY_ATTACHMENTS,
    bind=True,
    soft_time_limit=queues.COPYING_SOFT_TIME_LIMIT_S,
    time_limit=queues.COPYING_TIME_LIMIT_S,
)
def copy_attachments(self: ConnectorTask, tenant: str, bill_id: str) -> str:
    """Copy what is missing of a bill's documents; one word for what came of it."""
    return run_copying(self, tenant, bill_id)
