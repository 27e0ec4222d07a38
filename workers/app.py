"""The Celery app: ``celery -A workers.app worker``, ``beat`` and ``flower`` start here.

Importing this module reads nothing and connects to nothing: settings are parsed when Celery first
asks for its configuration, the context when the first task runs.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

from celery import Celery, signals

from deploy.embedded.home import EmbeddedError
from deploy.embedded.resolve import resolve
from shared import logs, queues, sentry
from shared.errors import ConnectorError
from shared.settings import Settings
from workers.base import ConnectorTask
from workers.schedule import beat_schedule
from workers.shutdown import end_in_time
from workers.wiring import Context, get_context, set_context_maker

app = Celery("connector", task_cls=ConnectorTask, set_as_current=True)


@cache
def get_settings() -> Settings:
    """The settings of this process; a wrong one ends it with one line."""
    try:
        return resolve(os.environ)
    except (ConnectorError, EmbeddedError) as error:
        sys.exit(f"connector: {error}")


def _configuration() -> dict[str, Any]:
    return queues.celery_settings(get_settings().redis_url) | {
        "include": [
            "workers.tasks.intake",
            "workers.tasks.suppliers",
            "workers.tasks.supplier_invoices",
            "workers.tasks.attachments",
            "workers.tasks.poll",
            "workers.tasks.tick",
            "workers.tasks.dead_letters",
            "workers.tasks.audit",
        ],
        "beat_schedule": beat_schedule(),
        "worker_concurrency": get_settings().worker_concurrency,
    }


app.add_defaults(_configuration)
signals.worker_shutting_down.connect(end_in_time)
set_context_maker(lambda: Context(get_settings(), worker_name=get_settings().worker_name))


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _begin_counting(**_: object) -> None:
    """A process of the pool shows its counts to nobody: it adds them to the fleet's."""
    get_context().tally.start()


@signals.worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _end_counting(**_: object) -> None:
    get_context().tally.stop()


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _set_up_logging(**_: object) -> None:
    """Our logging instead of Celery's, in workers and beat alike."""
    logs.configure_logging(get_settings())
    sentry.init_sentry(get_settings())
