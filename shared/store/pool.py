"""Connections to PostgreSQL: one pool a process, made after a fork, never before."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from psycopg import Connection, conninfo, sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb, set_json_loads
from psycopg_pool import ConnectionPool

from shared import jsontext

Conn = Connection[DictRow]
Pool = ConnectionPool[Conn]


class Connections(Protocol):
    """Where work gets its connections: the pool, or the one connection of a dry run."""

    def connection(self) -> AbstractContextManager[Conn]:
        """A connection for as long as one look or write takes."""
        ...


CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 20
IDLE_TIMEOUT_S = 10
"""A worker frozen in the middle of a transaction keeps its locks no longer than that."""

FRESH_S = 1.0
"""A connection that answered so recently is handed out without asking it again."""


def make_pool(dsn: str, *, name: str, max_size: int = 4) -> Pool:
    """A pool that opens connections as they are needed, at most ``max_size``.

    Connections are in autocommit: a statement alone is a transaction, several are wrapped in
    ``conn.transaction()``. ``name`` shows in ``pg_stat_activity``. Getting a connection raises
    ``psycopg_pool.PoolTimeout`` when the server cannot be reached within the connect timeout.
    """
    return ConnectionPool(
        with_defaults(dsn, name),
        connection_class=Connection[DictRow],
        kwargs={"autocommit": True, "row_factory": dict_row},
        configure=_configure,
        check=_Check(),
        min_size=0,
        max_size=max_size,
        max_idle=60,
        timeout=CONNECT_TIMEOUT_S,
        open=True,
        name=name,
    )


def with_defaults(dsn: str, name: str) -> str:
    """The address with our timeouts and application name, unless it already says otherwise."""
    given = conninfo.conninfo_to_dict(dsn)
    defaults: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": f"connector {name}",
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S}s "
        f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_S}s -c timezone=UTC",
    }
    return conninfo.make_conninfo(dsn, **{key: value for key, value in defaults.items() if key not in given})


def connect(dsn: str, *, name: str) -> Conn:
    """One connection outside any pool, for migrations and LISTEN."""
    conn = Connection.connect(with_defaults(dsn, name), autocommit=True, row_factory=dict_row)
    _configure(conn)
    return conn


def jsonb(value: Any) -> Jsonb:
    """A value as jsonb with Decimals kept exact."""
    return Jsonb(value, dumps=jsontext.dumps)


def identifier(name: str) -> sql.Identifier:
    """A name quoted as PostgreSQL wants it."""
    return sql.Identifier(name)


class _Check:
    """Asks a connection whether its server is still there; at every turn that was half of all traffic."""

    def __init__(self) -> None:
        self._answered_at: WeakKeyDictionary[Conn, float] = WeakKeyDictionary()

    def __call__(self, conn: Conn) -> None:
        """Raises ``psycopg.OperationalError`` when it does not answer: the pool then tries another."""
        if time.monotonic() - self._answered_at.get(conn, -math.inf) > FRESH_S:
            ConnectionPool.check_connection(conn)
            self._answered_at[conn] = time.monotonic()


def _configure(conn: Conn) -> None:
    set_json_loads(jsontext.loads, conn)
