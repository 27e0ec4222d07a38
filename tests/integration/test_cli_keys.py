"""``connector keys rotate`` and ``connector purge`` on a real database."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from shared.clock import utc_now
from shared.settings import load_settings
from shared.store import events, history, secrets
from shared.store.audit import seal_history
from shared.store.audit_verify import verify_history
from shared.store.events import Event
from shared.store.history import Entry
from shared.store.pool import Conn
from shared.store.secrets import SecretKind, find_secret, list_all_secrets, put_secret
from shared.vault import SealBroken, Sealed, UnknownKeyId, Vault
from tests.command_line import run, run_json, the_line
from tests.support.rows import TENANT, add_tenant
from workers.cli import keys

pytestmark = pytest.mark.integration

OLD, NEW, OTHER = (
    f"{name}:{base64.b64encode(name[0].encode() * 32).decode()}" for name in ("old", "new", "x")
)
KINDS: tuple[SecretKind, ...] = ("bill", "visma", "webhook_key")


def environ(dsn: str, *master_keys: str) -> dict[str, str]:
    return {
        "DATABASE_URL": dsn,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "CONNECTOR_MASTER_KEYS": ",".join(master_keys),
    }


def vault(dsn: str, *master_keys: str) -> Vault:
    return Vault(load_settings(environ(dsn, *master_keys)).master_keys)


def store(conn: Conn, dsn: str, kind: SecretKind, text: str, key: str = OLD, tenant: str = TENANT) -> None:
    put_secret(conn, tenant, kind, vault(dsn, key).seal(text.encode(), tenant=tenant, kind=kind))


def opened(conn: Conn, vault: Vault) -> dict[tuple[str, str], bytes]:
    return {
        (one.tenant, one.kind): vault.unseal(one.sealed, tenant=one.tenant, kind=one.kind)
        for one in list_all_secrets(conn)
    }


def test_every_secret_is_resealed_and_a_second_run_finds_nothing_to_do(conn: Conn, empty_dsn: str) -> None:
    add_tenant(conn, "beta")
    for tenant in (TENANT, "beta"):
        for kind in KINDS:
            store(conn, empty_dsn, kind, f"{tenant} {kind}", tenant=tenant)
    both = environ(empty_dsn, NEW, OLD)

    first = run(both, "keys", "rotate")
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [f"{kind}: 2 resealed under key new" for kind in KINDS]
    assert opened(conn, vault(empty_dsn, NEW)) == {
        (tenant, kind): f"{tenant} {kind}".encode() for tenant in (TENANT, "beta") for kind in KINDS
    }
    with pytest.raises(UnknownKeyId):
        opened(conn, vault(empty_dsn, OLD))

    again = run(both, "keys", "rotate").stdout.splitlines()
    assert again == [f"{kind}: 0 resealed under key new, 2 were already" for kind in KINDS]


def test_a_key_that_is_not_given_is_named_and_the_rest_is_done(conn: Conn, empty_dsn: str) -> None:
    store(conn, empty_dsn, "bill", "hunter2", OTHER)
    store(conn, empty_dsn, "visma", "hunter3")
    put_secret(conn, TENANT, "webhook_key", Sealed("old", b"v1|old|" + b"n" * 12 + b"|broken"))

    result = run(environ(empty_dsn, NEW, OLD), "keys", "rotate")
    assert result.exit_code == 1
    assert "visma: 1 resealed under key new" in result.stdout
    (line,) = result.stderr.splitlines()
    assert "bill of acme is sealed under key x" in line
    assert "webhook_key of acme does not open: set it again" in line
    assert "hunter" not in result.output


def test_a_first_key_of_the_right_name_and_the_wrong_bytes_is_noticed(conn: Conn, empty_dsn: str) -> None:
    store(conn, empty_dsn, "bill", "hunter2", NEW)
    impostor = "new:" + base64.b64encode(b"?" * 32).decode()
    assert "bill of acme does not open" in run(environ(empty_dsn, impostor, OLD), "keys", "rotate").stderr


@pytest.mark.parametrize("key", [OLD, NEW])
def test_credentials_that_are_set_meanwhile_are_kept(
    conn: Conn, empty_dsn: str, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    store(conn, empty_dsn, "bill", "before")
    swap, calls = secrets.swap_secret, []

    def interfere(*args: Any) -> bool:
        if not calls:
            store(conn, empty_dsn, "bill", "after", key)
        calls.append(args)
        return swap(*args)

    monkeypatch.setattr(keys, "swap_secret", interfere)
    assert run(environ(empty_dsn, NEW, OLD), "keys", "rotate").exit_code == 0
    assert opened(conn, vault(empty_dsn, NEW)) == {(TENANT, "bill"): b"after"}
    assert len(calls) == (2 if key == OLD else 1)


def test_a_secret_that_is_gone_meanwhile_does_not_come_back(
    conn: Conn, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(conn, empty_dsn, "bill", "before")

    def interfere(*_: Any) -> bool:
        conn.execute("DELETE FROM secrets")
        return False

    monkeypatch.setattr(keys, "swap_secret", interfere)
    assert run(environ(empty_dsn, NEW, OLD), "keys", "rotate").exit_code == 0
    assert find_secret(conn, TENANT, "bill") is None


def test_nothing_stored_is_said_and_a_broken_seal_is_no_cache_hit(empty_dsn: str) -> None:
    assert "no secrets" in run(environ(empty_dsn, NEW), "keys", "rotate").stdout
    with pytest.raises(SealBroken):
        vault(empty_dsn, NEW).unseal(b"v1|new|short", tenant=TENANT, kind="bill")


def add_events(conn: Conn, *ages_days: float) -> None:
    now = utc_now()
    events.add_events(
        conn,
        [
            Event(TENANT, f"e{age}", "bill.updated", "bill", "00n1", b"{}", now - timedelta(days=age))
            for age in ages_days
        ],
    )


def test_purge_deletes_events_older_than_told_in_batches_and_nothing_else(
    conn: Conn, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(conn, 0, 29.9, 30.1, 31, 400)
    monkeypatch.setattr("workers.cli.purge._AT_ONCE", 2)
    told = run_json(environ(empty_dsn, NEW), "purge", "--older-than", "30")
    assert told["events"] == 3
    assert {row["event_id"] for row in conn.execute("SELECT event_id FROM events")} == {"e0", "e29.9"}
    assert (
        "deleted 0 events and 0 history entries"
        in run(environ(empty_dsn, NEW), "purge", "--older-than", "30").stdout
    )


def test_a_purge_that_is_stopped_says_how_far_it_came(
    conn: Conn, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(conn, 31, 32, 33)
    delete = events.delete_older

    def stop_after_one(conn: Conn, before: Any, *, most: int) -> int:
        if conn.execute("SELECT count(*) AS n FROM events").fetchone()["n"] < 3:  # type: ignore[index]
            raise KeyboardInterrupt
        return delete(conn, before, most=1)

    monkeypatch.setattr(events, "delete_older", stop_after_one)
    result = run(environ(empty_dsn, NEW), "purge", "--older-than", "30")
    assert result.exit_code == 130
    assert "deleted 1 events" in result.stderr
    assert "run it again" in result.stderr


def test_purge_deletes_finished_history_and_the_trail_still_verifies(conn: Conn, empty_dsn: str) -> None:
    add_tenant(conn, "beta")
    now = utc_now()
    for tenant, bill_id, number, days in (
        (TENANT, "old", None, 40),
        (TENANT, "young", None, 5),
        (TENANT, "written", "1001", 40),
        (TENANT, "archive", "1002", 366 * 3),
        ("beta", "old", None, 40),
    ):
        entry = Entry(tenant, "bill", bill_id, "worker", "judged", visma_number=number)
        history.add_entry(conn, entry)
        conn.execute("ALTER TABLE history DISABLE TRIGGER history_is_append_only")
        at = now - timedelta(days=days)
        conn.execute("UPDATE history SET at = %s WHERE tenant = %s AND bill_id = %s", (at, tenant, bill_id))
        conn.execute("ALTER TABLE history ENABLE TRIGGER history_is_append_only")
    seals = vault(empty_dsn, NEW)
    for tenant in (TENANT, "beta"):
        seal_history(conn, seals, tenant)

    settings = {**environ(empty_dsn, NEW), "CONNECTOR_RETENTION_YEARS": "2"}
    assert run_json(settings, "purge", "--older-than", "30")["history"] == 3
    left = {(row["tenant"], row["bill_id"]) for row in conn.execute("SELECT tenant, bill_id FROM history")}
    assert left == {(TENANT, "young"), (TENANT, "written")}
    assert verify_history(conn, seals, TENANT).holds
    assert run_json(settings, "purge", "--older-than", "30")["history"] == 0


def test_history_whose_trail_does_not_open_is_kept_and_named(conn: Conn, empty_dsn: str) -> None:
    history.add_entry(conn, Entry(TENANT, "bill", "b1", "worker", "judged"))
    seal_history(conn, vault(empty_dsn, OLD), TENANT)
    add_events(conn, 40)
    result = run(environ(empty_dsn, NEW), "purge", "--older-than", "30")
    assert result.exit_code == 1
    assert "deleted 1 events" in result.stdout
    assert "history was kept: acme: " in result.stderr


def test_the_audit_key_is_resealed_with_the_rest(conn: Conn, empty_dsn: str) -> None:
    history.add_entry(conn, Entry(TENANT, "bill", "b1", "worker", "judged"))
    seal_history(conn, vault(empty_dsn, OLD), TENANT)
    assert "audit: 1 resealed under key new" in run(environ(empty_dsn, NEW, OLD), "keys", "rotate").stdout
    assert verify_history(conn, vault(empty_dsn, NEW), TENANT).holds


def test_purge_is_told_an_age(empty_dsn: str) -> None:
    assert run(environ(empty_dsn, NEW), "purge").exit_code == 2
    assert run(environ(empty_dsn, NEW), "purge", "--older-than", "0").exit_code == 2


def test_an_unreachable_database_is_one_line() -> None:
    line = the_line(run(environ("postgresql://u:hunter2@127.0.0.1:1/x", NEW), "keys", "rotate"))
    assert "cannot reach PostgreSQL" in line
    assert "hunter2" not in line
