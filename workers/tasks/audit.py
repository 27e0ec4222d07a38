"""The task that seals a tenant's history."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.sync.sealing import seal
from workers.wiring import get_context


@shared_task(name=queues.SEAL_HISTORY)
def seal_history(tenant: str) -> int:
    """Seal the history written since the last time; how many rows. Twice at once, one does it."""
    context = get_context()
    return seal(context.pool, context.vault, tenant)
