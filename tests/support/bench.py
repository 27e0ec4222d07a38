"""The workers' own machinery in this process: real PostgreSQL, Redis and sandbox, no Celery worker.

Tasks that would be sent are kept and worked off one by one; retries wait until the test lets time pass.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NoReturn

from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json
from shared import jsontext, queues
from shared.bill.models import Kind
from shared.clock import FakeClock, utc_now
from shared.settings import load_settings
from shared.store import history, records, secrets, tenants, watermarks
from shared.store.pool import Conn
from shared.store.records import Due, Heard, Record, Urgency
from shared.store.watermarks import Poll
from shared.tenants import TenantConfig
from tests.support.people import People
from tests.support.redis_time import RedisTime
from workers.base import ConnectorTask
from workers.sync.backfill import walk_backfill
from workers.sync.dispatch import TASKS
from workers.sync.duty import rejudge_held
from workers.sync.poll_bill import walk_bill, walk_sweep, walk_waiting
from workers.sync.poll_visma import walk_visma
from workers.sync.supplier import upsert_supplier
from workers.sync.supplier_invoice import upsert_supplier_invoice
from workers.wiring import Context, set_context_maker

UPSERTS: dict[Kind, Callable[..., Any]] = {"vendor": upsert_supplier, "bill": upsert_supplier_invoice}
KINDS: dict[str, Kind] = {task: kind for kind, task in TASKS.items()}
WALKS: dict[str, Callable[..., Any]] = {
    "bill": walk_bill,
    "waiting": walk_waiting,
    "sweep": walk_sweep,
    "visma": walk_visma,
    "backfill": walk_backfill,
}
ORDER = ("visma", "bill", "waiting", "sweep", "events", "backfill")
FIRST = ("vendor", "supplier")
"""The kinds of lists that are walked before the others of their source."""

MOST_RUNS = 200
"""Work that has not ended by then goes round in circles."""


class Retried(Exception):
    """The task asked Celery to come back in ``countdown_s`` seconds."""

    def __init__(self, countdown_s: float, error: Exception | None) -> None:
        super().__init__(f"{countdown_s:.1f} s: {error}")
        self.countdown_s = countdown_s


class BenchTask(ConnectorTask):
    """A task without an app: its retries are raised as ``Retried``."""

    request: Any = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.request = SimpleNamespace(id=f"task of {name}")

    def retry(self, **options: Any) -> NoReturn:
        raise Retried(options["countdown"], options.get("exc"))


@dataclass
class Sender:
    """Stands in for Celery: what is sent is kept."""

    sent: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def send_task(self, name: str, args: Sequence[Any] = (), queue: str | None = None) -> None:
        """Keep a message; the queue must be one of ours."""
        assert queue is None or queue in queues.QUEUES
        self.sent.append((name, tuple(args)))


@dataclass
class Run:
    """One run of an upsert: the word Flower would show, or ``retry`` and in how many seconds."""

    kind: Kind
    bill_id: str
    word: str
    countdown_s: float = 0.0


class Bench(People):
    """One tenant, and everything that a worker does for it."""

    def __init__(
        self,
        dsn: str,
        redis_url: str,
        sandbox: SandboxControl,
        config: TenantConfig,
        credentials: Json,
    ) -> None:
        super().__init__(sandbox, config.bill.organization_id, config.visma.company_id)
        self.clock = FakeClock(utc_now())
        self.sender = Sender()
        self.later: list[tuple[Due, float]] = []
        settings = load_settings(
            {
                "DATABASE_URL": dsn,
                "REDIS_URL": redis_url,
                "CONNECTOR_MASTER_KEYS": "bench:" + base64.b64encode(b"b" * 32).decode(),
            }
        )
        self.context = Context(settings, worker_name="bench", clock=self.clock)
        self.context.__dict__["sender"] = self.sender
        set_context_maker(lambda: self.context)
        self.tenant = config.id
        self.apply(config)
        for kind, values in credentials.items():
            self.store_credentials(kind, values)

    # --- set-up --------------------------------------------------------------------------------

    def apply(self, config: TenantConfig) -> None:
        """Save the tenant's settings, as ``connector tenant apply`` does."""
        with self.conn() as conn:
            tenants.apply_tenant(conn, config)
            records.rejudge_held(conn, config.id, older_s=-1)

    @property
    def config(self) -> TenantConfig:
        """The tenant's settings as they stand."""
        return self.context.get_tenant(self.tenant).config

    def store_credentials(self, kind: Any, values: Json) -> None:
        """Seal and store credentials, as ``connector credentials set`` does."""
        sealed = self.context.vault.seal(jsontext.dumps(values).encode(), tenant=self.tenant, kind=kind)
        with self.conn() as conn:
            secrets.put_secret(conn, self.tenant, kind, sealed)

    def conn(self) -> Any:
        """A connection of the worker's pool."""
        return self.context.pool.connection()

    def close(self) -> None:
        """Let go of pool and Redis."""
        self.context.close()

    # --- work ----------------------------------------------------------------------------------

    def sync(self) -> list[Run]:
        """Poll both systems, judge what is held anew, and work off all that is due."""
        self.poll()
        return self.judge_held()

    def judge_held(self) -> list[Run]:
        """Judge held records anew, as a tick does, and work off what is due."""
        rejudge_held(self.context.pool)
        return self.work_off()

    def poll(self, *sources: str) -> None:
        """Run the polls of these sources (both unless told): Visma first, people before bills."""
        wanted = sources or ("visma", "bill")
        with self.conn() as conn:
            watermarks.poll_now(conn, self.tenant)
            polls = watermarks.take_due_polls(conn)
        for poll in sorted(polls, key=lambda one: (ORDER.index(one.source), one.kind not in FIRST)):
            if poll.source in wanted:
                self._walk(poll)
            else:
                with self.conn() as conn:
                    watermarks.fail(conn, poll, error="not in this test", delay_s=0)

    def work_off(self) -> list[Run]:
        """Run everything that is due, also what becomes due by it; retries wait."""
        runs: list[Run] = []
        while True:
            self.context.dispatcher.dispatch_due()
            if not self.sender.sent:
                return runs
            name, (_, bill_id) = self.sender.sent.pop(0)
            run = self.run(KINDS[name], bill_id)
            if run.word != "not due":
                runs.append(run)
            assert len(runs) < MOST_RUNS, [(run.kind, run.word) for run in runs[-6:]]

    def run(self, kind: Kind, bill_id: str) -> Run:
        """Run the task of one record."""
        try:
            word = BenchTask(TASKS[kind]).make_true(kind, self.tenant, bill_id, UPSERTS[kind])
        except Retried as retried:
            due = Due(self.tenant, kind, bill_id, Urgency.WEBHOOK)
            self.later.append((due, self.clock().timestamp() + retried.countdown_s))
            return Run(kind, bill_id, "retry", retried.countdown_s)
        return Run(kind, bill_id, word)

    def force(self, kind: Kind, bill_id: str) -> list[Run]:
        """What ``connector sync --bill`` does: due whatever is known, and worked off."""
        self.hear(Heard(kind, bill_id, forced=True))
        return self.work_off()

    def hear(self, *heard: Heard) -> None:
        """Something was heard; what is due because of it is on its way."""
        with self.conn() as conn:
            self.context.dispatcher.dispatch(records.make_due(conn, self.tenant, heard))

    def pass_time(self, seconds: float) -> list[Run]:
        """Let time pass here, in the database and in Redis, and work off what it makes due."""
        self.clock.advance(seconds)
        RedisTime(self.context.redis).pass_time(seconds)
        with self.conn() as conn:
            _age(conn, seconds)
        now = self.clock().timestamp()
        arrived = [due for due, at in self.later if at <= now]
        self.later = [(due, at) for due, at in self.later if at > now]
        runs = [self.run(due.kind, due.bill_id) for due in arrived]
        return [*runs, *self.work_off()]

    def _walk(self, poll: Poll) -> None:
        task = BenchTask(f"poll {poll.source}")
        task.walk(poll.source, poll.tenant, poll.kind, str(poll.token), WALKS[poll.source])

    # --- what stands ---------------------------------------------------------------------------

    def record(self, kind: Kind, bill_id: str) -> Record:
        """The record's row, which must be there."""
        with self.conn() as conn:
            found = records.find(conn, self.tenant, kind, bill_id)
        assert found is not None, f"no {kind} {bill_id}"
        return found

    def state(self, kind: Kind, bill_id: str) -> tuple[str, str | None]:
        """State and reason."""
        record = self.record(kind, bill_id)
        return record.state, record.reason

    def history(self, kind: Kind, bill_id: str) -> list[str]:
        """What happened to the record, in single words, oldest first."""
        with self.conn() as conn:
            return [str(row["action"]) for row in history.list_entries(conn, self.tenant, kind, bill_id)]

    def details(self, kind: Kind, bill_id: str) -> list[str]:
        """The words of the record's history, oldest first."""
        with self.conn() as conn:
            return [str(row["detail"]) for row in history.list_entries(conn, self.tenant, kind, bill_id)]

    def suppliers(self) -> list[Json]:
        """All suppliers in Visma."""
        return self.sandbox.company_state(self.company, "suppliers")

    def supplier_of(self, vendor_id: str) -> Json:
        """The supplier that the vendor is linked to."""
        number = self.record("vendor", vendor_id).visma_number
        return next(row for row in self.suppliers() if row["number"] == number)

    def invoices(self) -> list[Json]:
        """All supplier invoices in Visma."""
        return self.sandbox.company_state(self.company, "invoices")

    def invoice_of(self, bill_id: str) -> Json:
        """The supplier invoice that the bill is linked to."""
        record = self.record("bill", bill_id)
        key = (record.visma_type, record.visma_number)
        return next(row for row in self.invoices() if (row["documentType"], row["referenceNumber"]) == key)

    def effects(self, after: int = 0) -> list[tuple[str, str]]:
        """What was written in Visma by us: (created or updated or deleted, entity)."""
        log = self.sandbox.visma_log(self.company, after)
        return [(row["kind"], row["entity"]) for row in log if row["by"].startswith("api:")]

    def count_calls(self, run: Callable[[], object]) -> dict[str, int]:
        """Calls by system that ``run`` makes."""
        self.sandbox.reset_calls()
        run()
        counted = {
            "bill": self.sandbox.count_calls(system="bill", tenant=self.organization),
            "visma": self.sandbox.count_calls(system="visma", tenant=self.company),
        }
        assert self.sandbox.calls()["violations"] == []
        return counted


def _age(conn: Conn, seconds: float) -> None:
    columns = {
        "records": ("next_attempt_at", "claim_expires_at", "dispatched_at", "judged_at", "due_since"),
        "tenants": ("alerts_checked_at",),
        "alerts": ("calm_since",),
        "watermarks": ("next_poll_at", "claim_expires_at", "last_complete_at"),
        "attachments": ("next_attempt_at", "claim_expires_at", "dispatched_at"),
    }
    for table, names in columns.items():
        moved = ", ".join(f"{name} = {name} - make_interval(secs => %(s)s)" for name in names)
        conn.execute(f"UPDATE {table} SET {moved}".encode(), {"s": seconds})  # noqa: S608 - names above
