from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import redis

from shared.bill.session import BillCredentials
from shared.budget import Budget
from shared.circuit import OPENS_AT, Circuits
from shared.fields import Change
from shared.store import dead_letters, history, records, tenants
from shared.store.dead_letters import DeadLetter
from shared.store.history import Entry
from shared.store.pool import Conn, connect
from shared.store.records import Due, Finish, Heard, Urgency
from shared.tenant_file import parse_tenant
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, run_json, the_line

pytestmark = pytest.mark.integration

RECORD_KEYS = {
    "tenant", "kind", "bill_id", "state", "reason", "detail", "visma_number", "bill_updated_at", "synced_at",
    "attempts", "next_attempt_at",
}  # fmt: skip
LETTER_KEYS = {"id", "tenant", "kind", "bill_id", "task", "error", "state", "failed_at", "attempts"}
UPDATED_AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def environ(store_dsn: str) -> dict[str, str]:
    return {
        "DATABASE_URL": store_dsn,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # none of these commands needs it
        "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
    }


@pytest.fixture
def conn(store_dsn: str) -> Iterator[Conn]:
    with connect(store_dsn, name="test") as conn:
        tenants.apply_tenant(conn, parse_tenant(TENANT_FILE.format(id="acme"), source="test"))
        _settle(conn, Heard("vendor", "009v1", UPDATED_AT, label="Åse [b]Ørsted"), SYNCED)
        _settle(conn, Heard("bill", "00n1", UPDATED_AT, label="F-1"), HELD)
        records.make_due(conn, "acme", [Heard("bill", "00n2")])
        yield conn


SYNCED = Finish("synced", visma_type="supplier", visma_number="50002")
HELD = Finish("held", reason="unmapped_account", detail="account 0ca09 of line 2")


def _settle(conn: Conn, heard: Heard, finish: Finish) -> None:
    records.make_due(conn, "acme", [heard])
    claimed = records.claim(conn, Due("acme", heard.kind, heard.bill_id, Urgency.WEBHOOK))
    assert claimed is not None
    records.finish(conn, claimed, finish)


@pytest.fixture
def letter(conn: Conn) -> int:
    claimed = records.claim(conn, Due("acme", "bill", "00n2", Urgency.WEBHOOK))
    assert claimed is not None
    records.bury(conn, claimed, "Visma refuses it", nothing_ran=True)
    return dead_letters.add_letter(
        conn,
        DeadLetter(
            task="connector.upsert_supplier_invoice",
            args=["acme", "00n2"],
            error_class="Permanent",
            error="Visma refuses it",
            task_id="t-1",
            tenant="acme",
            kind="bill",
            bill_id="00n2",
            traceback="Traceback:\n  in line 1\n\x1b[31m",
            raw=b'{"cut": "\xff',
            attempts=12,
        ),
    )


@pytest.mark.usefixtures("conn")
@pytest.mark.parametrize(
    "args, ids",
    [
        ((), ["009v1", "00n1", "00n2"]),
        (("--kind", "bill"), ["00n1", "00n2"]),
        (("--state", "held"), ["00n1"]),
        (("--kind", "vendor", "--state", "held"), []),
    ],
)
def test_records_are_listed_by_kind_and_state(
    environ: dict[str, str], args: tuple[str, ...], ids: list[str]
) -> None:
    found = run_json(environ, "records", "list", "acme", *args)
    assert [record["bill_id"] for record in found] == ids
    assert all(record.keys() >= RECORD_KEYS for record in found)
    table = run(environ, "records", "list", "acme", *args).stdout
    assert all(bill_id in table for bill_id in ids)


@pytest.mark.usefixtures("conn")
def test_names_are_shown_as_they_are(environ: dict[str, str]) -> None:
    assert "Åse [b]Ørsted" in run(environ, "records", "list", "acme").stdout


def test_a_held_record_tells_why_and_what_to_do(environ: dict[str, str], conn: Conn) -> None:
    changes = (Change("documentAmount", Decimal("10.50"), None), Change("note", None, "Å"))
    entry = Entry("acme", "bill", "00n1", "host-0", "held", "unmapped_account", "0ca09", changes)
    history.add_entry(conn, entry)
    shown = run_json(environ, "records", "show", "acme", "bill", "00n1")
    assert shown.keys() >= RECORD_KEYS
    assert (shown["state"], shown["reason"]) == ("held", "unmapped_account")
    assert shown["bill_updated_at"] == "2026-05-01T12:00:00+00:00"
    assert shown["synced_at"] is None
    (entry_shown,) = shown["history"]
    assert entry_shown["changes"][0] == {"field": "documentAmount", "before": "10.50", "after": None}
    assert entry_shown["actor"] == "host-0"
    text = run(environ, "records", "show", "acme", "bill", "00n1").stdout
    for said in ("account 0ca09 of line 2", "[mapping.accounts]", "10.50 -> (none)", "(none) -> Å", "host-0"):
        assert said in text


def test_a_synced_record_shows_its_number(environ: dict[str, str], conn: Conn) -> None:
    shown = run_json(environ, "records", "show", "acme", "vendor", "009v1")
    assert shown["visma_number"] == "50002"
    assert shown["history"] == []
    assert "nothing yet" in run(environ, "records", "show", "acme", "vendor", "009v1").stdout


@pytest.mark.usefixtures("conn")
def test_an_unknown_record_is_told_how_to_fetch(environ: dict[str, str]) -> None:
    assert "connector sync acme --bill ID" in the_line(run(environ, "records", "show", "acme", "bill", "zzz"))


@pytest.mark.usefixtures("letter")
def test_status_counts_what_there_is(environ: dict[str, str]) -> None:
    (status,) = run_json(environ, "status")
    assert status["tenant"] == "acme"
    assert status["records"]["vendor"]["synced"] == 1
    assert status["records"]["bill"] == {
        "pending": 0, "synced": 0, "waiting": 0, "held": 1, "dead": 1, "ignored": 0,
    }  # fmt: skip
    assert status["held"] == 1
    assert status["dead_letters"] == 1
    assert status["lag_s"] == {"vendor": 0.0, "bill": 0.0}
    read = {(poll["source"], poll["kind"]) for poll in status["polls"]}
    assert read >= {
        ("bill", "vendor"),
        ("bill", "bill"),
        ("visma", "supplier"),
        ("visma", "supplier_invoice"),
    }
    assert run_json(environ, "status", "acme") == [status]
    text = run(environ, "status", "acme").stdout
    assert "connector dead-letters list acme" in text
    assert "connector records list acme --state held" in text


def test_status_without_tenants_says_how_to_begin(environ: dict[str, str]) -> None:
    assert run_json(environ, "status") == []
    assert "connector tenant apply" in run(environ, "status").stdout


def test_lag_is_the_wait_of_the_oldest_work(environ: dict[str, str], conn: Conn) -> None:
    conn.execute("UPDATE records SET due_since = now() - interval '90 seconds' WHERE bill_id = '00n2'")
    records.make_due(conn, "acme", [Heard("bill", "00n2", UPDATED_AT)])  # due already
    lag_s = run_json(environ, "status")[0]["lag_s"]
    assert 90 <= lag_s["bill"] < 120
    assert lag_s["vendor"] == 0


def test_dead_letters_are_listed_and_shown(environ: dict[str, str], letter: int) -> None:
    (listed,) = run_json(environ, "dead-letters", "list", "acme")
    assert listed.keys() >= LETTER_KEYS
    assert (listed["id"], listed["state"]) == (letter, "open")
    assert run_json(environ, "dead-letters", "list", "--state", "closed") == []
    assert len(run_json(environ, "dead-letters", "list", "--state", "all")) == 1
    shown = run_json(environ, "dead-letters", "show", str(letter))
    assert shown["args"] == ["acme", "00n2"]
    assert shown["raw"] == '{"cut": "\ufffd'
    text = run(environ, "dead-letters", "show", str(letter)).stdout
    assert "in line 1" in text
    assert "\x1b" not in text
    assert "no dead letter 4711" in the_line(run(environ, "dead-letters", "show", "4711"))


@pytest.mark.usefixtures("conn")
def test_status_tells_an_open_circuit_and_one_that_nobody_knows(
    environ: dict[str, str], redis_client: redis.Redis, redis_url: str
) -> None:
    assert run_json(environ, "status")[0]["circuit"] == {"bill": None, "visma": None}
    assert "check REDIS_URL" in run(environ, "status").stderr
    circuits = Circuits(redis_client)
    for _ in range(OPENS_AT):
        circuits.note("acme", "visma", answered=False)
    reached = {**environ, "REDIS_URL": redis_url}
    assert run_json(reached, "status")[0]["circuit"] == {"bill": "closed", "visma": "open"}
    assert "visma open" in run(reached, "status").stdout


def test_status_tells_calls_and_backlog(
    environ: dict[str, str], conn: Conn, redis_client: redis.Redis, redis_url: str
) -> None:
    unknown = run_json(environ, "status")[0]
    assert unknown["calls"] == {"bill": None, "visma": None}
    assert unknown["backlog"] == {"records": 1, "per_minute": 2.0, "done_at": None}
    reached = {**environ, "REDIS_URL": redis_url}
    Budget(redis_client).spend("visma:1234567", 15_000, cost=40)
    (status,) = run_json(reached, "status")
    assert status["calls"] == {
        "bill": None,  # no credentials yet, so nobody knows the developer key
        "visma": {"limit": 15_000, "used": 40, "left": 14_960, "blocked_s": 0.0},
    }
    assert (status["backlog"]["records"], status["backlog"]["per_minute"]) == (1, 2.0)
    assert datetime.fromisoformat(status["backlog"]["done_at"]) > datetime.now(UTC)
    text = run(reached, "status").stdout
    assert "1 records, 2 a minute, done about" in text
    assert "visma 40 used, 14960 left of 15000" in text

    given = '{"username": "u", "password": "p", "dev_key": "d"}'
    assert run(reached, "credentials", "set", "acme", "bill", stdin=given).exit_code == 0
    key = BillCredentials("u", "p", "d").dev_key_digest
    Budget(redis_client).spend(f"bill:{key}", 20_000, cost=3)
    Budget(redis_client).block(f"bill:{key}", 1800)
    (status,) = run_json(reached, "status")
    bill = status["calls"]["bill"]
    assert (bill["limit"], bill["used"], bill["left"]) == (20_000, 3, 0)
    assert 1790 < bill["blocked_s"] <= 1800
    assert "none for" in run(reached, "status").stdout
