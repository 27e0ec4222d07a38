"""Logs: one line an event, with a stable ``action`` key, the record's context, and no secret.

``get_logger(__name__).info("record settled", action="record.settled", ...)``. Everything that other
libraries log goes the same way. Keys that name a secret, and addresses with passwords, are masked.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from shared.settings import Settings

_SECRET_KEY = re.compile(
    r"password|secret|token$|sessionid|session_id|dev_?key|authorization|security_?key|master_?key", re.I
)
_URL_PASSWORD = re.compile(r"(\w+://[^:/@\s]*:)[^@/\s]+@")
MASK = "***"


def get_logger(name: str) -> Any:
    """A logger whose lines carry what is bound."""
    return structlog.get_logger(name)


@contextmanager
def bound(**context: Any) -> Iterator[None]:
    """Bind context to every line logged inside."""
    with structlog.contextvars.bound_contextvars(**context):
        yield


def scrub_text(text: str) -> str:
    """Text without the passwords of addresses in it."""
    return _URL_PASSWORD.sub(rf"\1{MASK}@", text)


def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what must not be read, whatever logged it."""
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = MASK
        elif isinstance(value, str):
            event[key] = scrub_text(value)
    return event


def configure_logging(settings: Settings) -> None:
    """Send our lines and everyone else's to stderr, as JSON or for a terminal."""
    as_console = (settings.log_format or ("console" if sys.stderr.isatty() else "json")) == "console"
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last = structlog.dev.ConsoleRenderer() if as_console else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
