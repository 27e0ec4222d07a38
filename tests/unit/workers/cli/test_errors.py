from __future__ import annotations

import kombu.exceptions
import psycopg
import pytest
import redis.exceptions
from psycopg_pool import PoolTimeout

from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotYet,
    OutcomeUnknown,
    Permanent,
    Retryable,
    Unavailable,
    UsageError,
)
from shared.settings import load_settings
from shared.vault import SealBroken, UnknownKeyId
from tests.command_line import NOWHERE
from workers.cli.errors import explain

pytestmark = pytest.mark.unit

SETTINGS = load_settings(NOWHERE)


@pytest.mark.parametrize(
    "error, said",
    [
        (UsageError("a.toml: x: wrong\na.toml: y: wrong"), "a.toml: x: wrong; a.toml: y: wrong"),
        (CredentialsRefused("bill", "BILL refuses the password"), "BILL refuses the password"),
        (NoPlace("all 3 places are taken", retry_after_s=12.4), "all 3 places are taken; try again in 12 s"),
        (NotYet("credentials_first", "set them first"), "set them first"),
        (Retryable("BILL answers 503"), "BILL answers 503; try again"),
        (
            Unavailable("bill", "bill GET /v3/bills: no connection to h:1 (connection refused)"),
            "(connection refused); check the addresses of [bill] in the tenant's file",
        ),
        (
            OutcomeUnknown("no answer"),
            "no answer; whether it took effect is not known: run the command again",
        ),
        (
            UnknownKeyId("old"),
            "a secret is sealed under master key 'old', which CONNECTOR_MASTER_KEYS does not",
        ),
        (SealBroken("acme", "bill"), "does not open; set it again, or give the master key"),
        (psycopg.errors.UndefinedTable("relation"), "run `connector migrate`"),
        (
            psycopg.OperationalError("connection failed: server at x failed: FATAL:  password wrong\nmore"),
            "cannot reach PostgreSQL at 127.0.0.1:1: password wrong; check DATABASE_URL",
        ),
        (PoolTimeout("no connection after 5 s"), "cannot reach PostgreSQL at 127.0.0.1:1: no connection"),
        (redis.exceptions.ConnectionError("Error 111"), "cannot reach Redis at 127.0.0.1:1: check REDIS_URL"),
        (redis.exceptions.AuthenticationError("no"), "Redis at 127.0.0.1:1 refuses the password"),
        (
            redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
            "Redis at 127.0.0.1:1 refuses writes, it cannot write to its disk (MISCONF)",
        ),
        (redis.exceptions.ReadOnlyError("You can't write"), "Redis at 127.0.0.1:1 refuses writes, it is a"),
        (redis.exceptions.ResponseError("ERR hunter2"), "Redis at 127.0.0.1:1 refuses (ResponseError)"),
        (kombu.exceptions.OperationalError("Error 111"), "cannot reach Redis at 127.0.0.1:1"),
        (FileNotFoundError(2, "No such file or directory", "a.toml"), "a.toml: No such file or directory"),
        (RuntimeError("the password is hunter2"), "unexpected RuntimeError: run again with LOG_LEVEL=DEBUG"),
        (Permanent("\x1b[31mred\x07"), "\ufffd[31mred\ufffd"),
    ],
)
def test_every_error_becomes_one_line(error: Exception, said: str) -> None:
    line = explain(error, SETTINGS)
    assert said in line
    assert "\n" not in line
    assert "hunter2" not in line


def test_an_error_over_redis_names_its_address() -> None:
    error = Retryable("places at bill: Redis does not answer")
    error.__cause__ = redis.exceptions.ConnectionError("Error 111")
    assert "127.0.0.1:1" in explain(error, SETTINGS)


def test_addresses_are_left_out_before_settings_are_known() -> None:
    assert "its address" in explain(redis.exceptions.ConnectionError("x"), None)


def test_a_long_text_is_cut() -> None:
    assert len(explain(ConnectorError("word " * 1000), SETTINGS)) == 1000
