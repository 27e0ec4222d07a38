"""Every error a command can end with, as one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import psycopg
import redis.exceptions
from kombu.exceptions import OperationalError as BrokerError
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

from shared.errors import ConnectorError, CredentialsRefused, NotYet, OutcomeUnknown, Retryable, Unavailable
from shared.redis_words import describe_redis
from shared.settings import Settings
from shared.vault import SealBroken, UnknownKeyId
from workers.cli.output import clean
from workers.cli.session import NotMigrated

FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

_MAX_LENGTH = 1000
_AFTER_FAILED = re.compile(r".*failed: (?:FATAL: +)?(.+)")


class Interrupted(ConnectorError):
    """A person stopped the command; the text says what became of the work and how to go on."""


@contextmanager
def naming(tenant: str) -> Iterator[None]:
    """Whose credentials are refused, where the system's own error cannot know."""
    try:
        yield
    except CredentialsRefused as error:
        text = str(error).replace("credentials set TENANT", f"credentials set {tenant}")
        raise CredentialsRefused(error.system, text) from error


def explain(error: Exception, settings: Settings | None) -> str:
    """One line for ``error``; ``settings`` (None: not yet read) give the addresses, never a password."""
    if isinstance(error.__cause__, redis.exceptions.RedisError):
        return _one_line(_explain_redis(error.__cause__, settings))
    if isinstance(error, ConnectorError):
        return _one_line(_explain_ours(error))
    if isinstance(error, psycopg.Error | PoolTimeout):
        return _one_line(_explain_database(error, settings))
    if isinstance(error, redis.exceptions.RedisError | BrokerError):
        return _one_line(_explain_redis(error, settings))
    if isinstance(error, OSError) and error.filename is not None:
        return _one_line(f"{error.filename}: {error.strerror}")
    # An unforeseen error's own text may hold anything, a secret too.
    return f"unexpected {type(error).__name__}: run again with LOG_LEVEL=DEBUG to see where, and report it"


def _explain_ours(error: ConnectorError) -> str:
    if isinstance(error, UnknownKeyId):
        return f"{error}: add that key to the setting"
    if isinstance(error, SealBroken):
        return f"{error}, or give the master key it was sealed under in CONNECTOR_MASTER_KEYS"
    if isinstance(error, Unavailable) and "no connection" in str(error):
        table = f"[{error.system}] in the tenant's file"
        return f"{error}; check the addresses of {table}, and that the host can be reached from here"
    if isinstance(error, Retryable) and not isinstance(error, NotYet):
        wait = f" in {error.retry_after_s:.0f} s" if error.retry_after_s else ""
        return f"{error}; try again{wait}"
    if isinstance(error, OutcomeUnknown):
        return f"{error}; whether it took effect is not known: run the command again"
    return str(error)


def _explain_database(error: Exception, settings: Settings | None) -> str:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return str(NotMigrated())
    if isinstance(error, psycopg.OperationalError | PoolTimeout) and getattr(error, "sqlstate", None) is None:
        found = _AFTER_FAILED.search(str(error))
        why = found[1] if found else str(error)
        return f"cannot reach PostgreSQL at {_database_address(settings)}: {why}; check DATABASE_URL"
    text = getattr(error, "diag", None) and error.diag.message_primary  # type: ignore[attr-defined]
    return f"PostgreSQL at {_database_address(settings)} refuses: {text or type(error).__name__}"


def _explain_redis(error: Exception, settings: Settings | None) -> str:
    address = _redis_address(settings)
    if isinstance(error, redis.exceptions.AuthenticationError) or "WRONGPASS" in str(error):
        return f"Redis at {address} refuses the password: check REDIS_URL"
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError | BrokerError):
        return f"cannot reach Redis at {address}: check REDIS_URL and that the server runs"
    return f"Redis at {address} {describe_redis(error)}"


def _database_address(settings: Settings | None) -> str:
    if settings is None:
        return "its address"
    parts = conninfo_to_dict(settings.database_url)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}"


def _redis_address(settings: Settings | None) -> str:
    if settings is None:
        return "its address"
    parts = urlsplit(settings.redis_url)
    return f"{parts.hostname}:{parts.port or 6379}"


def _one_line(text: str) -> str:
    text = clean("; ".join(text.strip().splitlines()))
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
