"""``connector dead-letters``: list, show, replay, discard."""

from __future__ import annotations

import getpass
from collections.abc import Iterator

import pytest
import redis

from shared import queues
from shared.store import dead_letters, records, tenants
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn, connect
from shared.store.records import Due, Heard, Urgency
from shared.tenant_file import parse_tenant
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, run_json, the_line
from workers.sync import replay

pytestmark = pytest.mark.integration

Environ = dict[str, str]


@pytest.fixture
def environ(store_dsn: str, redis_url: str, redis_client: redis.Redis) -> Environ:
    return {"DATABASE_URL": store_dsn, "REDIS_URL": redis_url, "CONNECTOR_MASTER_KEYS": MASTER_KEYS}


@pytest.fixture
def conn(store_dsn: str) -> Iterator[Conn]:
    with connect(store_dsn, name="test") as conn:
        tenants.apply_tenant(conn, parse_tenant(TENANT_FILE.format(id="acme"), source="test"))
        yield conn


def bury(conn: Conn, bill_id: str) -> int:
    """A bill that failed for good; its letter."""
    records.make_due(conn, "acme", [Heard("bill", bill_id)])
    claimed = records.claim(conn, Due("acme", "bill", bill_id, Urgency.WEBHOOK))
    assert claimed is not None
    records.bury(conn, claimed, "no", nothing_ran=True)
    task = queues.UPSERT_SUPPLIER_INVOICE
    letter = DeadLetter(task, ["acme", bill_id], "Permanent", "no", f"t-{bill_id}", "acme", "bill", bill_id)
    return dead_letters.add_letter(conn, letter)


def unreadable(conn: Conn) -> int:
    letter = DeadLetter(queues.DRAIN_EVENTS, [], "UnreadableEvent", "no", "event:1-0", "acme", raw=b"{")
    return dead_letters.add_letter(conn, letter)


def shown(environ: Environ, *args: str) -> list[tuple[str | None, str]]:
    found = run_json(environ, "dead-letters", "list", *args)
    return [(letter["bill_id"], letter["state"]) for letter in found]


def test_each_is_replayed_once_and_its_work_is_sent(
    environ: Environ, conn: Conn, redis_client: redis.Redis
) -> None:
    one, two, three = (str(bury(conn, name)) for name in ("00n1", "00n2", "00n3"))
    done = run(environ, "dead-letters", "replay", one, two)
    assert done.exit_code == 0, done.output
    assert "connector records show acme bill 00n1" in done.stdout
    assert redis_client.llen(queues.WEBHOOKS) == 2
    assert shown(environ) == [("00n3", "open")]

    done = run(environ, "dead-letters", "replay", one, three, "99")
    assert done.exit_code == 1
    assert f"dead letter {one} is replayed already, by {getpass.getuser()}; there is no dead letter 99" in (
        done.stderr
    )
    assert "00n3 goes on" in done.stdout, "the others are replayed all the same"
    assert shown(environ, "acme", "--state", "replayed") == [
        (name, "replayed") for name in ("00n1", "00n2", "00n3")
    ]
    history = run_json(environ, "records", "show", "acme", "bill", "00n3")["history"]
    assert [(entry["actor"], entry["action"]) for entry in history] == [(getpass.getuser(), "replayed")]


def test_all_open_ones_are_replayed(environ: Environ, conn: Conn) -> None:
    assert run(environ, "dead-letters", "replay", "--all").stdout == "no dead letter is open\n"
    for name in ("00n1", "00n2"):
        bury(conn, name)
    assert run(environ, "dead-letters", "replay", "--all").exit_code == 0
    assert shown(environ) == []


def test_without_redis_the_work_waits_for_a_tick(environ: Environ, conn: Conn) -> None:
    letter_id = bury(conn, "00n1")
    done = run({**environ, "REDIS_URL": "redis://127.0.0.1:1/0"}, "dead-letters", "replay", str(letter_id))
    assert (done.exit_code, "goes on by itself" in done.stderr) == (0, True), done.output
    assert records.claim(conn, Due("acme", "bill", "00n1", Urgency.WEBHOOK)) is not None


def test_a_webhook_that_still_cannot_be_read_is_a_new_letter(environ: Environ, conn: Conn) -> None:
    letter_id = unreadable(conn)
    done = run(environ, "dead-letters", "replay", str(letter_id))
    assert done.exit_code == 1
    assert f"see dead letter {letter_id + 1}" in done.stderr
    assert run_json(environ, "dead-letters", "show", str(letter_id + 1))["raw"] == "{"
    assert shown(environ, "--state", "all") == [(None, "replayed"), (None, "open")]


def test_one_is_discarded_with_a_reason(environ: Environ, conn: Conn) -> None:
    letter_id = str(bury(conn, "00n1"))
    assert run(environ, "dead-letters", "discard", letter_id).exit_code == 2
    assert "reason" in the_line(run(environ, "dead-letters", "discard", letter_id, "--why", " "))
    assert run(environ, "dead-letters", "discard", letter_id, "--why", "by hand").exit_code == 0
    found = run_json(environ, "dead-letters", "show", letter_id)
    assert (found["state"], found["settled_by"], found["why"]) == ("discarded", getpass.getuser(), "by hand")
    assert run_json(environ, "records", "show", "acme", "bill", "00n1")["state"] == "dead"
    assert "discarded already" in the_line(run(environ, "dead-letters", "replay", letter_id))


@pytest.mark.parametrize("args", [(), ("1", "--all"), ("x",), ("0",)])
def test_what_is_to_be_replayed_must_be_said(environ: Environ, args: tuple[str, ...]) -> None:
    assert run(environ, "dead-letters", "replay", *args).exit_code == 2


def test_a_bulk_replay_that_is_stopped_says_how_far_it_came(
    environ: Environ, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, _ = (bury(conn, name) for name in ("00n1", "00n2", "00n3"))
    replay_letter = replay.replay_letter

    def stop_at_the_second(conn: Conn, letter_id: int, *, by: str) -> replay.Replayed:
        if letter_id != first:
            raise KeyboardInterrupt
        return replay_letter(conn, letter_id, by=by)

    monkeypatch.setattr(replay, "replay_letter", stop_at_the_second)
    result = run(environ, "dead-letters", "replay", "--all")
    assert result.exit_code == 130
    assert f"dead letter {first}: acme bill 00n1 goes on" in result.stdout
    assert "stopped after 1 of 3 dead letters" in result.stderr
    assert shown(environ) == [("00n2", "open"), ("00n3", "open")]
