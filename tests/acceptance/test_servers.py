"""Redis and PostgreSQL that die, forget or are full, and workers that are frozen or sent home: nothing is
lost, nothing comes twice, and work goes on by itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
import pytest
import redis
from celery import Celery
from kombu import pools

from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared import queues
from shared.store import progress
from shared.store.pool import connect
from shared.store.watermarks import poll_now
from tests.acceptance.books import Books, open_books
from tests.acceptance.chaos.ground import own_home, own_stage, worker_names
from tests.acceptance.chaos.servers import Servers
from tests.acceptance.test_crashes import find_at_work, find_busy, find_pid, let_the_claim_run_out
from tests.conftest import ENVIRON
from tests.support.full_redis import no_memory, no_room_for_snapshots
from tests.support.small_disk import no_room, on_a_small_disk

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

WORKERS = worker_names(2)
PATIENCE_S = 60.0
LONG_S = 100.0
"""A claim or a lost message costs a minute."""

MOST_BILLS = 200

NO_SPACE = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


class Ground:
    """One tenant on a fleet of two workers, and the servers beneath."""

    def __init__(self, stage: Stage, servers: Servers, books: Books) -> None:
        self.stage, self.servers, self.books = stage, servers, books
        self.bills = 0
        self.vendor_id = books.sync_vendor()

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.stage.composition.settings.redis_url)

    def begin_create(self, seconds: float) -> str:
        """Enter a bill whose create keeps Visma busy for so long; its id, once Visma is at it."""
        control, books = self.books.control, self.books
        rule = control.add_fault(
            "latency", system="visma", tenant=books.company, method="POST", route="Invoice$", seconds=seconds
        )
        bill_id = self.enter()
        books.until(lambda: self._applied(rule), "Visma is at the create", PATIENCE_S)
        return bill_id

    def enter(self, **fields: str) -> str:
        """Enter a bill; its id."""
        self.bills += 1
        return self.books.create_bill(self.vendor_id, f"F-{self.bills}", **fields)

    def _applied(self, rule: str) -> bool:
        return any(one["id"] == rule and one["applied"] for one in self.books.control.faults())

    def wait_delivered(self, bill_id: str, status: int) -> None:
        """Wait until BILL got this answer to the bill's notification."""
        self.books.control.wait(
            "webhooks",
            organization=self.books.organization,
            entity=bill_id,
            status=status,
            timeout_s=PATIENCE_S,
        )

    def expect_one(self, bill_id: str) -> list[Json]:
        """Wait until the bill is synced, by one POST and with one document; its history."""
        self.books.until(
            lambda: self.is_synced(bill_id), lambda: str(self.books.record("bill", bill_id)), 90.0
        )
        self.books.invoice_of(bill_id)
        log = self.books.control.visma_log(self.books.company)
        created = [one for one in log if one["kind"] == "created" and one["body"].get("note")]
        assert sum(one["body"]["note"].startswith(f"BILL:{bill_id}") for one in created) == 1
        history: list[Json] = self.books.ask("records", "show", self.books.id, "bill", bill_id)["history"]
        return history

    def is_synced(self, bill_id: str) -> bool:
        """Whether no work is left on the bill and it is in Visma."""
        row = self.books.record("bill", bill_id)
        return row is not None and row["wanted"] == row["done"] and row["state"] == "synced"

    def is_recorded(self, bill_id: str) -> bool:
        """Whether the row knows the bill's document, though more may have been heard since."""
        row = self.books.record("bill", bill_id)
        return row is not None and row["state"] == "synced"

    def reconnect(self) -> None:
        """PostgreSQL was restarted: ask it anew."""
        self.books.conn.close()
        self.books.conn = connect(self.stage.composition.settings.database_url, name="test")
        progress.listen(self.books.conn)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """No worker works meanwhile."""
        pids = [find_pid(self.stage, name) for name in WORKERS]
        for pid in pids:
            os.killpg(pid, signal.SIGSTOP)
        yield
        for pid in pids:
            os.killpg(pid, signal.SIGCONT)

    def find_worker_at_work(self, bill_id: str) -> int:
        """The main process of the worker that works on the bill."""
        busy = self.books.until(lambda: find_at_work(self.app, bill_id), "a worker is busy", PATIENCE_S)
        return psutil.Process(busy).ppid()

    def find_busy(self) -> set[int]:
        """The processes that work on a record."""
        return find_busy(self.app)

    @property
    def app(self) -> Celery:
        """Celery, over a connection that Redis's last restart did not end."""
        pools.reset()
        return queues.make_producer(self.stage.composition.settings.redis_url)

    def is_cut_off(self, name: str) -> bool:
        """Whether the worker's main process was refused by a broker without disk, when it came back too."""
        lines = (self.stage.log_dir / f"{name}.log").read_text("utf-8").splitlines()
        return any("Cannot connect to redis" in line and "MISCONF" in line for line in lines)

    def count_refusals(self) -> int:
        """How often PostgreSQL told a worker that its disk is full."""
        logs = [(self.stage.log_dir / f"{name}.log").read_text("utf-8") for name in WORKERS]
        return sum(log.count("No space left on device") for log in logs)

    def use_up_the_log(self) -> None:
        """Have PostgreSQL begin new pieces of its log until there is no room for one, and it ends.

        Somebody knocks all the while: the ingress forgets keys that it could not read for half a minute.
        """
        with pytest.raises(psycopg.OperationalError):
            while True:
                self.books.conn.execute("CREATE TABLE piece (); DROP TABLE piece; SELECT pg_switch_wal()")
                assert self.books.post(b"{}", key="no key of ours").status_code == 401

    def main_processes(self) -> set[tuple[int, float]]:
        """Which workers run, with when each began."""
        pids = [find_pid(self.stage, name) for name in WORKERS]
        return {(pid, psutil.Process(pid).create_time()) for pid in pids}


@pytest.fixture(scope="module")
def shared_ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("servers")
    with own_home() as home, own_stage(home, ENVIRON, folder, workers=2, slots=2) as stage:
        conn = connect(stage.composition.settings.database_url, name="test")
        progress.listen(conn)
        books = open_books(stage, conn, folder, 400, subscribed=True)
        books.apply(limits="visma_request_cap_s = 20")
        yield Ground(stage, Servers(home), books)
        books.conn.close()


@pytest.fixture
def ground(shared_ground: Ground) -> Iterator[Ground]:
    """A ground without faults that nobody has begun to dig up."""
    yield shared_ground
    shared_ground.books.control.clear_faults()
    shared_ground.books.apply(limits="visma_request_cap_s = 20")


def test_a_worker_that_wakes_after_its_claim_ran_out_writes_nothing(ground: Ground) -> None:
    bill_id = ground.begin_create(8)
    frozen = ground.find_worker_at_work(bill_id)
    os.killpg(frozen, signal.SIGSTOP)
    ground.books.control.wait("log", company=ground.books.company, entity="supplierInvoice", kind="created")
    let_the_claim_run_out(ground.books, bill_id)
    (entry,) = ground.expect_one(bill_id)
    assert "resolved by look-up" in entry["detail"]
    row = ground.books.record("bill", bill_id)

    os.killpg(frozen, signal.SIGCONT)
    app = queues.make_producer(ground.stage.composition.settings.redis_url)
    ground.books.until(lambda: len(app.control.ping(timeout=1)) == 2, "it is awake", PATIENCE_S)
    ground.books.until(lambda: not ground.find_busy(), "it has ended what it was at", PATIENCE_S)
    assert ground.expect_one(bill_id) == [entry]
    assert ground.books.record("bill", bill_id) == row


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_redis_that_comes_back_has_lost_no_accepted_webhook_and_no_worker(
    ground: Ground, number: signal.Signals
) -> None:
    """Celery 5.7.0 with kombu 5.7.0 ended the worker here: a task was running, to be acknowledged late."""
    before = ground.main_processes()
    busy = ground.begin_create(3)
    with ground.asleep():
        waiting = ground.enter()
        ground.wait_delivered(waiting, 200)
        ground.servers.restart_redis(number)
    ground.expect_one(busy)
    ground.expect_one(waiting)
    assert ground.main_processes() == before


def test_what_a_redis_without_its_data_forgot_is_found_by_polls(ground: Ground) -> None:
    before = ground.main_processes()
    with ground.asleep():
        bill_id = ground.enter()
        ground.wait_delivered(bill_id, 200)
        ground.servers.restart_redis(signal.SIGKILL, empty=True)
    ground.books.apply(limits="visma_request_cap_s = 20", poll_interval_s=1)
    with ground.redis as server:

        def is_synced() -> bool:
            let_forgotten_calls_end(ground.books, server)
            return ground.is_synced(bill_id)

        ground.books.until(is_synced, "polls find it", LONG_S)
    ground.expect_one(bill_id)
    assert ground.main_processes() == before


def let_forgotten_calls_end(books: Books, server: redis.Redis) -> None:
    """As if the time had passed in which calls that the new Redis knows nothing of may still run."""
    if server.exists("places:life"):
        server.set("places:life", int((time.time() - LONG_S) * 1_000_000))
        server.delete("places:quarantine")
        poll_now(books.conn, books.id)
        books.conn.execute("UPDATE records SET next_attempt_at = NULL WHERE tenant = %s", (books.id,))


def test_a_postgres_that_crashes_in_the_middle_of_a_create_costs_a_look_up(ground: Ground) -> None:
    bill_id = ground.begin_create(3)
    ground.servers.restart_postgres(signal.SIGQUIT)
    ground.reconnect()
    let_a_claim_run_out(ground, bill_id)
    ground.expect_one(bill_id)


def let_a_claim_run_out(ground: Ground, bill_id: str) -> None:
    """As if a minute had passed, once Visma has made the document and the record is still claimed."""
    books = ground.books
    books.until(lambda: books.invoices_of(bill_id), "Visma made it", PATIENCE_S)
    statement = """UPDATE records SET claim_expires_at = now(), dispatched_at = NULL
                   WHERE tenant = %s AND bill_id = %s AND claim_token IS NOT NULL
                     AND claim_expires_at < now() + interval '40 seconds'"""
    books.conn.execute(statement, (books.id, bill_id))


def test_a_redis_without_memory_left_refuses_and_the_webhook_comes_again(ground: Ground) -> None:
    books = ground.books
    with ground.redis as server, no_memory(server):
        bill_id = ground.enter()
        ground.wait_delivered(bill_id, 503)
    ground.expect_one(bill_id)
    assert books.control.webhooks(organization=books.organization, entity=bill_id, status=200)


def test_a_redis_without_disk_left_refuses_and_ends_no_worker(ground: Ground) -> None:
    """Celery alone ends a worker whose Redis answers MISCONF, and the next one, for as long as it does."""
    before, beat = ground.main_processes(), ground.stage.fleet.pid("beat")
    with ground.redis as server:
        busy = ground.begin_create(2)
        with no_room_for_snapshots(server, ground.servers.home.redis_data):
            refused = ground.enter()
            ground.wait_delivered(refused, 503)
            ground.books.until(lambda: all(map(ground.is_cut_off, WORKERS)), "all met it", PATIENCE_S)
            ground.books.until(lambda: ground.is_recorded(busy), "what was under way is recorded", PATIENCE_S)
            assert refused not in ground.books.known()
    (entry,) = ground.expect_one(busy)
    assert "look-up" not in (entry["detail"] or "")
    ground.expect_one(refused)
    assert (ground.main_processes(), ground.stage.fleet.pid("beat")) == (before, beat)


def test_a_postgres_without_disk_left_keeps_webhooks_in_the_queue(ground: Ground) -> None:
    books = ground.books
    books.conn.execute(NO_SPACE)
    books.conn.execute("CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION no_space()")
    with pytest.raises(psycopg.errors.DiskFull):
        books.conn.execute("INSERT INTO events SELECT * FROM events LIMIT 1")
    bill_id = ground.enter()
    ground.wait_delivered(bill_id, 200)
    assert bill_id not in books.known()
    books.conn.execute("DROP FUNCTION no_space CASCADE")
    ground.expect_one(bill_id)


@pytest.mark.parametrize("ends", [False, True], ids=["it refuses", "it ends, without room for its log"])
def test_what_a_postgres_on_a_full_disk_could_not_take_is_not_lost(ground: Ground, ends: bool) -> None:
    refused_before = ground.count_refusals()
    with on_a_small_disk(ground.servers) as disk:
        ground.reconnect()
        bills = [ground.begin_create(2)]
        with no_room(disk):
            while ground.count_refusals() == refused_before:
                bills.append(ground.enter(description="x" * 900))
                ground.wait_delivered(bills[-1], 200)
                assert len(bills) < MOST_BILLS, "there was room for all"
            if ends:
                ground.use_up_the_log()
                bills.append(ground.enter())
                ground.wait_delivered(bills[-1], 200)
        ground.servers.start()
        ground.reconnect()
        ground.books.until(lambda: are_synced_soon(ground, bills), "all are in Visma", PATIENCE_S)
        for bill_id in bills:
            ground.expect_one(bill_id)
    ground.reconnect()


def are_synced_soon(ground: Ground, bills: list[str]) -> bool:
    """Whether all are synced, as if a minute had passed for what PostgreSQL took to its end."""
    statement = """UPDATE records SET claim_expires_at = now(), dispatched_at = NULL
                   WHERE tenant = %s AND wanted > done AND dispatched_at < now() - interval '3 seconds'
                     AND (claim_token IS NULL OR claim_expires_at < now() + interval '40 seconds')"""
    ground.books.conn.execute(statement, (ground.books.id,))
    return all(map(ground.is_synced, bills))


def test_a_worker_that_is_sent_home_ends_what_it_is_at(ground: Ground) -> None:
    bill_id = ground.begin_create(6)
    leaving = psutil.Process(ground.find_worker_at_work(bill_id))
    leaving.send_signal(signal.SIGTERM)
    (entry,) = ground.expect_one(bill_id)
    assert "look-up" not in (entry["detail"] or "")
    ground.books.until(lambda: is_gone(leaving), "it went", PATIENCE_S)


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
