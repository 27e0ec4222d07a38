"""Brings the database up to date: plain numbered SQL, applied once each, under an advisory lock.

A file that was applied and has changed since is refused: its checksum is kept. Any number of
processes may run this at the same time; one works, the others wait and then find nothing to do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from shared.errors import ConnectorError
from shared.store.pool import Conn, connect

_LOCK = 0x42494C4C  # "BILL": any number that nobody else on this database uses
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())
"""


class MigrationChanged(ConnectorError):
    """A migration that this database already has reads differently now."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: bytes

    @property
    def checksum(self) -> str:
        """What tells a changed file from the applied one."""
        return hashlib.sha256(self.text).hexdigest()


def load_migrations() -> list[Migration]:
    """All migrations in order; their numbers run from 1 without a gap."""
    folder = resources.files("shared.store").joinpath("migrations")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda f: f.name)
    found = [Migration(int(f.name.split("_")[0]), f.name, f.read_bytes()) for f in files]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationChanged("the migrations in this release are not numbered 1, 2, 3, ...: reinstall it")
    return found


def migrate(dsn: str) -> list[str]:
    """Apply what is missing and return the names of what was applied, oldest first.

    Raises MigrationChanged when the database has a migration this release does not have or has
    differently, and psycopg errors when the server cannot be reached.
    """
    with connect(dsn, name="migrate") as conn:
        conn.execute("SET statement_timeout = 0")
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        conn.execute("SET client_min_messages = warning")
        conn.execute(_TABLE)
        return [migration.name for migration in _missing(conn) if _apply(conn, migration)]


def pending(conn: Conn) -> list[str]:
    """Names of migrations this database still lacks; for readiness checks."""
    if conn.execute("SELECT to_regclass('migrations') AS found").fetchall()[0]["found"] is None:
        return [migration.name for migration in load_migrations()]
    return [migration.name for migration in _missing(conn)]


def _missing(conn: Conn) -> list[Migration]:
    applied = {
        row["number"]: row["checksum"] for row in conn.execute("SELECT number, checksum FROM migrations")
    }
    known = {migration.number: migration for migration in load_migrations()}
    for number, checksum in applied.items():
        if number not in known:
            raise MigrationChanged(f"the database has migration {number}, newer than this release: update it")
        if known[number].checksum != checksum:
            raise MigrationChanged(f"{known[number].name} was changed after it was applied: restore the file")
    return [migration for migration in known.values() if migration.number not in applied]


def _apply(conn: Conn, migration: Migration) -> bool:
    with conn.transaction():
        conn.execute(migration.text)
        conn.execute(
            "INSERT INTO migrations (number, name, checksum) VALUES (%s, %s, %s)",
            (migration.number, migration.name, migration.checksum),
        )
    return True
