"""The database is brought up to date once, whoever asks and however often."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from subprocess import PIPE, Popen

import psycopg
import pytest
from psycopg import sql

from shared.store import history
from shared.store.history import Entry
from shared.store.migrate import MigrationChanged, load_migrations, migrate, pending
from shared.store.pool import Conn, connect
from tests.conftest import with_database
from tests.support.rows import TENANT
from tests.support.source import ROOT

pytestmark = pytest.mark.integration

_MIGRATE = "import sys; from shared.store.migrate import migrate; print(len(migrate(sys.argv[1])))"


@pytest.fixture
def bare_dsn(database_url: str) -> Iterator[str]:
    """URL of a new database without any table."""
    name = sql.Identifier(bare := f"bare_{secrets.token_hex(4)}")
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield with_database(database_url, bare)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_four_processes_at_once_apply_each_migration_once(bare_dsn: str) -> None:
    names = [migration.name for migration in load_migrations()]
    with connect(bare_dsn, name="test") as conn:
        assert pending(conn) == names
    command = [sys.executable, "-c", _MIGRATE, bare_dsn]
    processes = [Popen(command, cwd=ROOT, stdout=PIPE, text=True) for _ in range(4)]
    applied = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sorted(applied) == [0, 0, 0, len(names)]
    assert migrate(bare_dsn) == []
    with connect(bare_dsn, name="test") as conn:
        assert pending(conn) == []


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (b"UPDATE migrations SET checksum = 'other' WHERE number = 1", "was changed after it was applied"),
        (b"INSERT INTO migrations VALUES (9999, '9999_later.sql', 'x')", "newer than this release"),
    ],
)
def test_a_database_of_another_release_is_refused(conn: Conn, tamper: bytes, told: str) -> None:
    dsn = psycopg.conninfo.make_conninfo(conn.info.dsn, password=conn.info.password)
    kept = conn.execute("SELECT * FROM migrations ORDER BY number").fetchall()
    conn.execute(tamper)
    try:
        with pytest.raises(MigrationChanged, match=told):
            migrate(dsn)
        with pytest.raises(MigrationChanged, match=told):
            pending(conn)
    finally:
        conn.execute("DELETE FROM migrations WHERE number = 9999")
        conn.execute("UPDATE migrations SET checksum = %s WHERE number = 1", (kept[0]["checksum"],))
    assert pending(conn) == []


def test_history_is_written_and_never_rewritten(conn: Conn) -> None:
    entry = Entry(TENANT, "vendor", "v", "worker-1", "created", visma_number="50001")
    history.add_entry(conn, entry)
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        conn.execute("UPDATE history SET actor = 'nobody'")
    (row,) = history.list_entries(conn, TENANT, "vendor", "v")
    assert (row["actor"], row["action"], row["changes"]) == ("worker-1", "created", [])
