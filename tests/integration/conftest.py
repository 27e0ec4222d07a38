"""Connections to one database for the whole run, emptied before each test that uses it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql

from shared.store.pool import Conn, connect
from tests.conftest import with_database
from tests.integration.upstreams import bill_side, sandbox, upstreams, visma_side
from tests.support.rows import add_tenant

__all__ = ["bill_side", "sandbox", "upstreams", "visma_side"]

Connect = Callable[[], Conn]


@pytest.fixture(scope="session")
def one_database(database_url: str, migrated_template: str) -> Iterator[str]:
    """URL of a migrated database; making one for every test would cost more than the tests."""
    name = sql.Identifier(f"{migrated_template}_{secrets.token_hex(4)}")
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(migrated_template))
        )
        yield with_database(database_url, name.as_string().strip('"'))
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def empty_dsn(one_database: str) -> str:
    """URL of a migrated database without a row."""
    with psycopg.connect(one_database, autocommit=True) as conn:
        for table in (
            "tenants",
            "history",
            "marks",
            "history_unsealed",
            "dead_letters",
        ):  # the others go with their tenant
            conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    return one_database


@pytest.fixture
def connect_again(empty_dsn: str) -> Iterator[Connect]:
    """Further connections to the same database, closed at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(connect(empty_dsn, name="test"))


@pytest.fixture
def conn(connect_again: Connect) -> Conn:
    """A connection; the tenant ``acme`` is there."""
    conn = connect_again()
    add_tenant(conn)
    return conn
