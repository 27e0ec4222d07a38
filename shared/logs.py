"""Logs: one line an event, each with a stable ``action`` to search for, and never with a secret.

``get_logger(__name__).info("record parked", action="record.parked", delay_s=30)``. What the standard
library's loggers say comes out in the same form. Context that is bound (tenant, kind, bill_id, task_id)
stands in every line until it is released.
"""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager
from typing import Any, Final, TextIO
from urllib.parse import urlsplit

import structlog
from structlog.typing import EventDict, Processor

from shared.scrub import register_secret, scrub
from shared.settings import Settings

_CHATTY: Final = ("urllib3", "kombu", "amqp", "asyncio", "celery.bootsteps", "celery.utils")
# A line for every task taken and done, and beat ticks every second: our own lines tell what came of it.
_PER_TASK: Final = ("celery.worker.strategy", "celery.app.trace", "celery.beat")
_WITH_HANDLERS: Final = ("gunicorn.error",)
_FIRST: Final = ("timestamp", "level", "action", "event")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes keywords; every call gives ``action``."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def bound(**context: Any) -> AbstractContextManager[None]:
    """Context in every line of this thread or task while the ``with`` lasts."""
    return structlog.contextvars.bound_contextvars(**context)


def bind_context(**context: Any) -> None:
    """Context in every line of this thread or task until :func:`clear_context`."""
    structlog.contextvars.bind_contextvars(**context)


def clear_context() -> None:
    """Forget all bound context."""
    structlog.contextvars.clear_contextvars()


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Set up logging for this process, to stderr unless ``stream`` is given. May be called again."""
    stream = stream or sys.stderr
    _register_secrets(settings)
    chain = _chain()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream)
    handler.setFormatter(_formatter(chain, _is_json(settings, stream), stream.isatty()))
    root = logging.getLogger()
    for old in [old for old in root.handlers if type(old) in {_Handler, logging.StreamHandler}]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    for name in _WITH_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    for name in _PER_TASK:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Handler(logging.StreamHandler[TextIO]):
    """Ours; so that configuring again replaces it and nobody else's."""


def _is_json(settings: Settings, stream: TextIO) -> bool:
    return settings.log_format == "json" or (settings.log_format is None and not stream.isatty())


def _chain() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # as text, so that it can be scrubbed; locals are not in it
        _complete,
    ]


def _formatter(chain: list[Processor], json: bool, colors: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
        )
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _scrub_line, renderer],
    )


def _complete(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """Lines of others have no action: the name of their logger is as stable."""
    event_dict.setdefault("action", f"log.{event_dict.get('logger', 'root')}")
    first = [name for name in _FIRST if name in event_dict]
    return {name: event_dict[name] for name in (*first, *(name for name in event_dict if name not in first))}


def _scrub_line(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    scrubbed: EventDict = scrub(event_dict)
    return scrubbed


def _register_secrets(settings: Settings) -> None:
    for url in (settings.database_url, settings.redis_url, settings.sentry_dsn or ""):
        parts = urlsplit(url)
        register_secret(parts.password)
    register_secret(urlsplit(settings.sentry_dsn or "").username)
    register_secret(*(pair.partition(":")[2] for pair in settings.flower_basic_auth))
