"""Connections that the server gave up while they lay in the pool."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from shared.store import pool as pools
from shared.store.pool import Conn, Pool, make_pool

pytestmark = pytest.mark.integration


@pytest.fixture
def pool(empty_dsn: str) -> Iterator[Pool]:
    with make_pool(empty_dsn, name="test", max_size=1) as pool:
        yield pool


def _backend(pool: Pool) -> int:
    with pool.connection() as conn:
        return conn.info.backend_pid


def _end(conn: Conn, backend: int) -> None:
    assert conn.execute("SELECT pg_terminate_backend(%s, 5000) AS ended", (backend,)).fetchone() == {
        "ended": True
    }


def test_a_connection_that_lay_for_a_while_is_asked_first(
    pool: Pool, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "FRESH_S", -1.0)
    ended = _backend(pool)
    _end(conn, ended)
    assert _backend(pool) != ended


def test_one_that_answered_just_now_fails_once_and_is_replaced(
    pool: Pool, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "FRESH_S", 1000.0)
    ended = _backend(pool)
    assert _backend(pool) == ended
    _end(conn, ended)
    with pytest.raises(psycopg.OperationalError), pool.connection() as stale:
        stale.execute("SELECT 1")
    assert _backend(pool) != ended


def test_a_frozen_transaction_lets_go_of_its_locks_in_time(pool: Pool) -> None:
    with pool.connection() as conn:
        shown = conn.execute("SHOW idle_in_transaction_session_timeout").fetchone()
    assert shown == {"idle_in_transaction_session_timeout": "10s"}
