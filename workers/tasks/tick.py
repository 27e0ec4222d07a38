"""The tick: sends whatever is due. Any number of ticks at once does no harm."""

from __future__ import annotations

from celery import shared_task

from shared import queues
from workers.sync.alerts import check_alerts
from workers.sync.drain import drain
from workers.sync.duty import rejudge_held, send_copying, send_polls
from workers.sync.sealing import send_sealing
from workers.wiring import get_context


@shared_task(name=queues.TICK)
def tick() -> dict[str, int]:
    """Drain, send due polls, judge held records anew, send due records and copying; how many of each."""
    context = get_context()
    context.places.note_life()
    return {
        "events": drain(context.stream, context.pool, context.dispatcher, context.worker_name),
        "polls": send_polls(context.pool, context.dispatcher),
        "rejudged": rejudge_held(context.pool),
        "records": context.dispatcher.dispatch_due(),
        "attachments": send_copying(context.pool, context.dispatcher),
        "alerts": check_alerts(context.pool, context.circuits),
        "sealed": send_sealing(context.pool, context.dispatcher),
    }
