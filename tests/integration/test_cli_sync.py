from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from shared.bill.models import Kind, Page, Row
from shared.store import dead_letters, records, tenants, watermarks
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn, connect
from shared.store.records import Due, Finish, Heard, Urgency
from shared.tenant_file import parse_tenant
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, the_line
from workers.wiring import Context

pytestmark = pytest.mark.integration

SYNCED = Finish("synced", visma_type="Invoice", visma_number="700001")
HELD = Finish("held", reason="zero_amount")
UPDATED_AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

Worker = Callable[[str, dict[str, Finish]], None]


@pytest.fixture
def environ(store_dsn: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": store_dsn, "REDIS_URL": redis_url, "CONNECTOR_MASTER_KEYS": MASTER_KEYS}


@pytest.fixture
def conn(store_dsn: str) -> Iterator[Conn]:
    with connect(store_dsn, name="test") as conn:
        tenants.apply_tenant(conn, parse_tenant(TENANT_FILE.format(id="acme"), source="test"))
        yield conn


def _settle(conn: Conn, kind: Kind, bill_id: str, finish: Finish) -> None:
    claimed = records.claim(conn, Due("acme", kind, bill_id, Urgency.WEBHOOK))
    assert claimed is not None
    with conn.transaction():
        records.finish(conn, claimed, finish)
        records.notify(conn, "acme")


@pytest.fixture
def worker(conn: Conn, store_dsn: str, redis_client: redis.Redis) -> Iterator[Worker]:
    """Settles the records whose tasks arrive on a queue, as often as it was told of one."""
    threads: list[threading.Thread] = []

    def work(queue: str, outcomes: dict[str, Finish]) -> None:
        with connect(store_dsn, name="worker") as own:
            for _ in outcomes:
                popped: Any = redis_client.brpop([queue], timeout=20)
                tenant, bill_id = _arguments(popped[1])
                assert tenant == "acme"
                kind: Kind = "vendor" if bill_id.startswith("009") else "bill"
                _settle(own, kind, bill_id, outcomes[bill_id])

    def start(queue: str, outcomes: dict[str, Finish]) -> None:
        threads.append(threading.Thread(target=work, args=(queue, outcomes)))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


def _arguments(message: bytes) -> list[Any]:
    arguments: list[Any] = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
    return arguments


def test_one_record_becomes_due_and_its_task_is_sent(
    environ: dict[str, str], conn: Conn, redis_client: redis.Redis
) -> None:
    done = run(environ, "sync", "acme", "--bill", "00n1")
    assert done.exit_code == 0, done.output
    assert "connector records show acme bill 00n1" in done.stdout
    found = records.find(conn, "acme", "bill", "00n1")
    assert found is not None
    assert found.wanted > found.done
    popped: Any = redis_client.lpop("webhooks")
    assert _arguments(popped) == ["acme", "00n1"]


def test_a_record_that_is_synced_is_done_again(environ: dict[str, str], conn: Conn) -> None:
    records.make_due(conn, "acme", [Heard("vendor", "009v1")])
    _settle(conn, "vendor", "009v1", SYNCED)
    assert run(environ, "sync", "acme", "--vendor", "009v1").exit_code == 0
    assert records.claim(conn, Due("acme", "vendor", "009v1", Urgency.WEBHOOK)) is not None


def test_a_record_behind_a_dead_letter_is_tried_again(environ: dict[str, str], conn: Conn) -> None:
    records.make_due(conn, "acme", [Heard("bill", "00n1")])
    claimed = records.claim(conn, Due("acme", "bill", "00n1", Urgency.WEBHOOK))
    assert claimed is not None
    records.bury(conn, claimed, "refused", nothing_ran=True)
    dead_letters.add_letter(
        conn, DeadLetter("task", [], "Permanent", "refused", "t-1", "acme", "bill", "00n1")
    )
    assert run(environ, "sync", "acme", "--bill", "00n1").exit_code == 0
    assert records.claim(conn, Due("acme", "bill", "00n1", Urgency.WEBHOOK)) is not None


@pytest.mark.parametrize(("finish", "code"), [(SYNCED, 0), (HELD, 1)])
def test_waiting_for_one_record_ends_with_its_outcome(
    environ: dict[str, str], worker: Worker, finish: Finish, code: int
) -> None:
    worker("webhooks", {"00n1": finish})
    done = run(environ, "sync", "acme", "--bill", "00n1", "--wait")
    assert done.exit_code == code, done.output
    if code:
        assert "acme bill 00n1 is held: zero_amount" in done.stderr
    else:
        assert "done" in done.stdout


def test_a_held_record_beside_it_is_not_counted(environ: dict[str, str], conn: Conn, worker: Worker) -> None:
    records.make_due(conn, "acme", [Heard("bill", "00n9")])
    _settle(conn, "bill", "00n9", HELD)
    worker("webhooks", {"00n1": SYNCED})
    assert run(environ, "sync", "acme", "--bill", "00n1", "--wait").exit_code == 0


def test_a_whole_tenant_is_a_poll_that_a_tick_sends(environ: dict[str, str], conn: Conn) -> None:
    for day, since in (("2026-03-01", "2026-03-01"), ("2026-05-01", "2026-03-01"), (None, None)):
        given = ("--since", day) if day else ()
        assert run(environ, "sync", "acme", *given).exit_code == 0
        (taken,) = [poll for poll in watermarks.take_due_polls(conn) if poll.source == "backfill"]
        assert (taken.kind, watermarks.find_position(conn, taken)) == ("vendor", since)


class FakeBill:
    """BILL with one vendor and two bills; says from when it was asked."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []

    def list_page(self, kind: Kind, *, since: datetime, cursor: str | None) -> Page[Row]:
        self.asked.append(since)
        ids = ("009v1",) if kind == "vendor" else ("00n1", "00n2")
        return Page(tuple(_row(kind, bill_id) for bill_id in ids), None)


def _row(kind: Kind, bill_id: str) -> Row:
    return Row(kind, bill_id, UPDATED_AT, {"id": bill_id, "updatedTime": UPDATED_AT.isoformat()})


@pytest.mark.parametrize(
    ("outcome", "since", "code"),
    [(SYNCED, "2026-03-01", 0), (HELD, "2026-03-01", 1), (HELD, "2026-06-01", 0)],
)
def test_waiting_for_a_tenant_ends_when_nothing_is_left(
    environ: dict[str, str],
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Finish,
    since: str,
    code: int,
) -> None:
    fake = FakeBill()
    monkeypatch.setattr(Context, "bill", lambda *_: fake)
    numbered = [replace(SYNCED, visma_number=number) for number in ("50001", "700002")]
    worker("backfill", {"009v1": numbered[0], "00n1": outcome, "00n2": numbered[1]})
    done = run(environ, "sync", "acme", "--since", since, "--wait")
    assert done.exit_code == code, done.output
    assert set(fake.asked) == {datetime.fromisoformat(since).replace(tzinfo=UTC)}
    assert "3 vendors and bills read" in done.stderr


@pytest.mark.usefixtures("conn")
def test_stopping_to_watch_stops_no_work(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("shared.store.progress.wait_for_word", interrupt)
    done = run(environ, "sync", "acme", "--bill", "00n1", "--wait")
    assert done.exit_code == 130
    assert "the work goes on" in done.stderr


@pytest.mark.usefixtures("conn")
def test_stopping_to_read_keeps_what_was_read(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(FakeBill):
        def list_page(self, kind: Kind, *, since: datetime, cursor: str | None) -> Page[Row]:
            if kind == "bill":
                raise KeyboardInterrupt
            return super().list_page(kind, since=since, cursor=cursor)

    monkeypatch.setattr(Context, "bill", lambda *_: Stopped())
    done = run(environ, "sync", "acme", "--wait")
    assert done.exit_code == 130
    assert "what was read goes on" in done.stderr
    with connect(environ["DATABASE_URL"], name="test") as conn:
        assert [record.bill_id for record in records.list_records(conn, "acme")] == ["009v1"]


@pytest.mark.usefixtures("conn")
def test_an_unreachable_redis_is_named_without_its_password(environ: dict[str, str]) -> None:
    away = {**environ, "REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}
    line = the_line(run(away, "sync", "acme", "--bill", "00n1"))
    assert "cannot reach Redis at 127.0.0.1:1" in line
    assert "hunter2" not in line


def test_waiting_ends_when_the_tenant_is_suspended(
    environ: dict[str, str], conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hear(*_: object, **__: object) -> bool:
        return tenants.suspend(conn, "acme", "visma: refused")

    monkeypatch.setattr("shared.store.progress.wait_for_word", hear)
    assert "acme is suspended" in the_line(run(environ, "sync", "acme", "--bill", "00n1", "--wait"))
