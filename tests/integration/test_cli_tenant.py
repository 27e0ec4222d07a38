from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from shared.settings import load_settings
from shared.store import records, tenants
from shared.store.pool import connect
from shared.store.records import Due, Finish, Heard, Urgency
from shared.store.secrets import find_secret
from shared.vault import Vault
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, run_json, the_line

pytestmark = pytest.mark.integration

BILL = {"username": "operator@example.com", "password": "hunter2", "dev_key": "01DEVKEY"}


@pytest.fixture
def environ(store_dsn: str) -> dict[str, str]:
    return {
        "DATABASE_URL": store_dsn,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # none of these commands needs it
        "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
    }


@pytest.fixture
def acme(environ: dict[str, str], tmp_path: Path) -> str:
    path = tmp_path / "acme.toml"
    path.write_text(TENANT_FILE.format(id="acme"), encoding="utf-8")
    assert run(environ, "tenant", "apply", str(path)).exit_code == 0
    return "acme"


def test_a_database_that_was_never_migrated_is_told_apart(environ: dict[str, str], database_url: str) -> None:
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as conn:
        conn.execute("DROP TABLE migrations CASCADE")
    assert "run `connector migrate`" in the_line(run(environ, "status"))


def test_migrate_says_what_it_applied_and_may_run_again(environ: dict[str, str]) -> None:
    assert "up to date" in run(environ, "migrate").stdout


def test_apply_then_list_show_pause_and_resume(environ: dict[str, str], acme: str) -> None:
    (listed,) = run_json(environ, "tenant", "list")
    assert listed["tenant"] == acme
    assert listed["name"] == "Åkeri & Söner AB"
    assert listed["state"] == "active"
    shown = run_json(environ, "tenant", "show", acme)
    assert shown["settings"]["mapping"]["accounts"] == {"0ca01": "5010"}
    assert shown["settings"]["sync"]["poll_interval_s"] == 300
    assert "mapping.accounts.0ca01" in run(environ, "tenant", "show", acme).stdout
    assert run(environ, "tenant", "pause", acme).exit_code == 0
    assert run_json(environ, "tenant", "list")[0]["state"] == "paused"
    assert "is paused" in the_line(run(environ, "sync", acme, "--bill", "00n1"))
    assert run(environ, "tenant", "resume", acme).exit_code == 0
    assert run_json(environ, "tenant", "list")[0]["state"] == "active"


def test_one_wrong_file_saves_none(environ: dict[str, str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(TENANT_FILE.format(id="good"), encoding="utf-8")
    bad.write_text(TENANT_FILE.format(id="bad") + '"0ca02" = 5\n[syn]\n', encoding="utf-8")
    line = the_line(run(environ, "tenant", "apply", str(good), str(bad)))
    assert "mapping.accounts.0ca02" in line
    assert "syn" in line
    assert run_json(environ, "tenant", "list") == []


@pytest.mark.parametrize(
    "content, said",
    [(None, "No such file"), (b"\xff\xfe", "UTF-8"), (b"a = [", "TOML"), (b"", "tenant.id")],
)
def test_a_file_that_cannot_be_used_is_named(
    environ: dict[str, str], tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "some.toml"
    if content is not None:
        path.write_bytes(content)
    line = the_line(run(environ, "tenant", "apply", str(path)))
    assert str(path) in line
    assert said in line


def test_the_same_tenant_twice_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(TENANT_FILE.format(id="same"), encoding="utf-8")
    line = the_line(run(environ, "tenant", "apply", str(tmp_path / "a.toml"), str(tmp_path / "b.toml")))
    assert "two of the files are for tenant same" in line


def test_applying_again_judges_held_records_anew(
    environ: dict[str, str], acme: str, tmp_path: Path, store_dsn: str
) -> None:
    with connect(store_dsn, name="test") as conn:
        records.make_due(conn, acme, [Heard("bill", "00n1")])
        claimed = records.claim(conn, Due(acme, "bill", "00n1", Urgency.WEBHOOK))
        assert claimed is not None
        records.finish(conn, claimed, Finish("held", reason="unmapped_account", detail="0ca09"))
        assert (
            "1 records are judged anew" in run(environ, "tenant", "apply", str(tmp_path / "acme.toml")).stdout
        )
        found = records.find(conn, acme, "bill", "00n1")
    assert found is not None
    assert found.wanted > found.done


def test_an_unknown_tenant_is_named(environ: dict[str, str]) -> None:
    for words in (
        "tenant show ghost",
        "tenant pause ghost",
        "credentials set ghost bill",
        "records list ghost",
        "records show ghost bill 1",
        "dead-letters list ghost",
        "status ghost",
        "sync ghost",
        "webhook rotate ghost",
        "webhook status ghost",
    ):
        assert "no tenant 'ghost'" in the_line(run(environ, *words.split())), words


def test_credentials_are_sealed_for_their_tenant_and_system_alone(
    environ: dict[str, str], acme: str, store_dsn: str
) -> None:
    done = run(environ, "credentials", "set", acme, "bill", stdin=json.dumps(BILL))
    assert done.exit_code == 0, done.output
    with connect(store_dsn, name="test") as conn:
        sealed = find_secret(conn, acme, "bill")
    assert sealed is not None
    assert b"hunter2" not in sealed.content
    vault = Vault(load_settings(environ).master_keys)
    assert json.loads(vault.unseal(sealed, tenant=acme, kind="bill")) == BILL
    shown = (
        run(environ, "tenant", "show", acme).output + run(environ, "tenant", "show", acme, "--json").output
    )
    assert "hunter2" not in done.output + shown
    assert run_json(environ, "tenant", "show", acme)["credentials"] == ["bill"]


def test_new_credentials_lift_a_suspension(environ: dict[str, str], acme: str, store_dsn: str) -> None:
    with connect(store_dsn, name="test") as conn:
        tenants.suspend(conn, acme, "visma: refused")
    assert run_json(environ, "status", acme)[0]["state"] == "suspended"
    assert "is suspended: visma: refused" in the_line(run(environ, "sync", acme))
    given = json.dumps({"client_id": "isv_test", "client_secret": "hunter2"})
    assert "no longer suspended" in run(environ, "credentials", "set", acme, "visma", stdin=given).stdout
    assert run_json(environ, "status", acme)[0]["state"] == "active"


WRONG_CREDENTIALS = {
    "": "one JSON object",
    "hunter2": "one JSON object",
    '["hunter2"]': "one JSON object",
    "[" * 100_000: "one JSON object",
    '{"username":"u","password":"hunter2"}': "dev_key: missing",
    '{"username":"u","password":"hunter2","dev_key":"d","devKey":"hunter2"}': "devKey: unknown",
    '{"username":"u","password":"","dev_key":"hunter2"}': "password: must be one line of text",
    '{"username":"u","password":"hunter2\\n","dev_key":"d"}': "password: must be one line of text",
    '{"username":"u","password":{"is":"hunter2"},"dev_key":"d"}': "password: must be a text",
}


def test_wrong_credentials_are_refused_without_being_shown(environ: dict[str, str], acme: str) -> None:
    for stdin, said in WRONG_CREDENTIALS.items():
        line = the_line(run(environ, "credentials", "set", acme, "bill", stdin=stdin))
        assert said in line
        assert "hunter2" not in line
    assert run_json(environ, "tenant", "show", acme)["credentials"] == []


def test_at_a_terminal_secrets_are_asked_for_without_echo(
    environ: dict[str, str], acme: str, store_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    typed = "operator@example.com\nhunter2\n01DEVKEY\n"
    done = run(environ, "credentials", "set", acme, "bill", stdin=typed)
    assert done.exit_code == 0, done.output
    assert "BILL password" in done.stderr
    assert "hunter2" not in done.output
    assert "01DEVKEY" not in done.output
    with connect(store_dsn, name="test") as conn:
        sealed = find_secret(conn, acme, "bill")
    assert sealed is not None
    vault = Vault(load_settings(environ).master_keys)
    assert json.loads(vault.unseal(sealed, tenant=acme, kind="bill")) == BILL
