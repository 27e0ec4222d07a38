"""``connector audit verify`` at the command line, and the task that seals."""

from __future__ import annotations

import pytest

from shared.settings import load_settings
from shared.store import history
from shared.store.history import Entry
from shared.store.pool import Conn
from tests.command_line import MASTER_KEYS, NOWHERE, run, run_json, the_line
from tests.support.rows import TENANT
from workers.sync.sealing import seal
from workers.wiring import Context

pytestmark = pytest.mark.integration


@pytest.fixture
def environ(conn: Conn, empty_dsn: str) -> dict[str, str]:
    return {**NOWHERE, "DATABASE_URL": empty_dsn}


@pytest.fixture
def sealed(conn: Conn, environ: dict[str, str]) -> str:
    """Three sealed rows, and the head of their chain."""
    for number in range(3):
        history.add_entry(conn, Entry(TENANT, "bill", f"b{number}", "worker-1", "created"))
    context = Context(load_settings(environ), worker_name="test")
    assert seal(context.pool, context.vault, TENANT) == 3
    context.close()
    found = run_json(environ, "audit", "verify", TENANT)
    assert (found["holds"], found["sealed"], found["unsealed"], found["problems"]) == (True, 3, 0, [])
    return str(found["head"])


def test_what_holds_is_said_to_and_a_filed_head_is_found(environ: dict[str, str], sealed: str) -> None:
    done = run(environ, "audit", "verify", TENANT, "--head", sealed)
    assert done.exit_code == 0, done.stderr
    assert "nothing was edited or removed" in done.stdout
    assert "is in the chain" in done.stdout
    other = run(environ, "audit", "verify", TENANT, "--head", f"2:{'0' * 64}")
    assert other.exit_code == 1
    assert "is not in the chain any more" in other.stdout


def test_what_was_removed_is_named(environ: dict[str, str], conn: Conn, sealed: str) -> None:
    conn.execute("DELETE FROM history WHERE bill_id = 'b1'")
    done = run(environ, "audit", "verify", TENANT)
    assert done.exit_code == 1
    assert "the entry was removed" in done.stdout
    assert done.stderr == "connector: the history of acme does not hold: 1 entry is not as sealed\n"
    failed = run(environ, "audit", "verify", TENANT, "--json")
    assert (failed.exit_code, '"seq":2' in failed.stdout) == (1, True)


def test_without_the_master_key_it_says_which_one_is_missing(environ: dict[str, str], sealed: str) -> None:
    elsewhere = {**environ, "CONNECTOR_MASTER_KEYS": MASTER_KEYS.replace("test:", "other:")}
    assert "'test'" in the_line(run(elsewhere, "audit", "verify", TENANT))


def test_a_head_must_look_like_one(environ: dict[str, str], sealed: str) -> None:
    assert "64 hexadecimal digits" in the_line(run(environ, "audit", "verify", TENANT, "--head", "12"))


def test_a_broken_trail_is_told_in_the_log_and_seals_nothing(
    environ: dict[str, str], conn: Conn, sealed: str
) -> None:
    history.add_entry(conn, Entry(TENANT, "bill", "b9", "worker-1", "created"))
    conn.execute("UPDATE history_heads SET mac = proof")
    context = Context(load_settings(environ), worker_name="test")
    assert seal(context.pool, context.vault, TENANT) == 0
    context.close()
    report = run(environ, "audit", "verify", TENANT, "--json")
    assert (report.exit_code, '"unsealed":1' in report.stdout) == (1, True)
