"""The task that replays a dead letter for a script that calls Flower's API."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.sync.replay import replay_by_script
from workers.wiring import get_context


@shared_task(name=queues.REPLAY_DEAD_LETTER)
def replay_dead_letter(letter_id: int | str) -> str:
    """Try the work of a dead letter again; one line of what came of it."""
    context = get_context()
    return replay_by_script(context.pool, context.dispatcher, int(letter_id))
