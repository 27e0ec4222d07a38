"""A Celery app with the connector's settings and one task that does nothing: what Celery alone costs."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final

from celery import Celery

from deploy.embedded.resolve import resolve
from shared import queues
from shared.settings import Settings

TASK: Final = "bench.noop"
app = Celery("bench", set_as_current=False)


@cache
def _settings() -> Settings:
    return resolve(os.environ)


def _configuration() -> dict[str, Any]:
    settings = _settings()
    return queues.celery_settings(settings.redis_url) | {"worker_concurrency": settings.worker_concurrency}


app.add_defaults(_configuration)


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def noop() -> None:
    """Nothing."""
