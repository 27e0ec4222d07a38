"""A bench whose workers end between two steps and are followed by new ones, until all is quiet.

Every play begins with the same books: what a scene set up is put back before each.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from shared import queues
from shared.bill.models import Kind
from shared.clock import utc_now
from shared.store import dead_letters, records
from shared.store.records import Heard
from tests.integration.crash.injector import Fault, Injector, Killed
from tests.integration.crash.stores import Stores
from tests.support.bench import KINDS, MOST_RUNS, Bench, BenchTask, Run, Sender
from tests.support.sandbox_here import SandboxHere
from workers.copying import run_copying
from workers.sync.duty import send_copying
from workers.sync.replay import replay_letter
from workers.wiring import Context, set_context_maker

ROUND_S = 61.0
"""Past the claims, turns and messages of the ended."""

MOST_ROUNDS = 200
LATE_S = 200.0
"""When a request that timed out is done: after all look-ups but the last, before Visma's cap."""

BUSY = b"""
SELECT kind, state, reason, detail FROM records WHERE wanted > done OR claim_token IS NOT NULL
"""

UNQUIET = b"""
SELECT kind, state, reason, detail FROM records WHERE wanted > done OR claim_token IS NOT NULL
    OR intention IS NOT NULL OR state IN ('held', 'dead')
UNION ALL
SELECT 'documents', CASE WHEN dead THEN 'dead' ELSE 'due' END, NULL, detail FROM attachments
WHERE wanted > done OR dead OR claim_token IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened in BILL, and all that is to come of it in Visma, in this order."""

    kind: Kind
    bill_id: str
    effects: tuple[tuple[str, str], ...] | None
    """None where it depends on the moment."""

    state: str = "synced"
    shows: dict[str, Any] = field(default_factory=dict)
    """What the record is to show in the end."""

    meanwhile: Callable[[], object] | None = None
    """What happens in BILL after the first worker's end, or the first answer."""

    later: Callable[[], object] | None = None
    """What happens in BILL once nothing is due any more, though the record may be held."""

    begin: Callable[[], object] | None = None
    """What a worker begins with, where that is not the record's upsert."""

    heard_again: bool = False
    """Whether a poll makes the record due once more when all is quiet."""


class CountingSender(Sender):
    """A message that was sent outlives its worker."""

    def __init__(self, injector: Injector) -> None:
        super().__init__()
        self._injector = injector

    def send_task(self, *args: Any, **options: Any) -> None:
        """Keep a message."""
        self._injector.refuse_the_dead()
        super().send_task(*args, **options)
        self._injector.note_effect()


class Workshop(Bench):
    """A tenant, and workers that may end at any step."""

    def __init__(self, injector: Injector, stores: Stores, here: SandboxHere, *args: Any) -> None:
        self.injector, self.stores, self.here = injector, stores, here
        super().__init__(*args)
        self.sender = CountingSender(injector)
        self.context.__dict__["sender"] = self.sender

    def keep(self) -> None:
        """All plays from now on begin with what there is now."""
        restore_stores = self.stores.snapshot()
        restore_sandbox = self.here.snapshot(self.organization, self.company)
        seen = len(self._log())

        def restore() -> None:
            restore_stores()
            restore_sandbox()
            self._seen = seen
            self.sender.sent, self.later, self.injector.late = [], [], []
            self.clock.now = utc_now()
            random.seed(1)  # backoff's jitter is the same in every play
            self._replace_worker()

        self.restore = restore

    def play(self, change: Change, *, kill_at: int | None, fault: Fault, fault_at: int) -> None:
        """Carry a change over, with one worker's end and one spoilt answer on the way."""
        self.restore()
        self.injector.arm(kill_at=kill_at, fault=fault, fault_at=fault_at)
        self.carry(change)
        self.injector.disarm()
        self.judge(change)
        self.judge_books()

    def carry(self, change: Change) -> None:
        """Work on what was heard until nothing is left to do."""
        self.know_visma()
        self._begin(change)
        if change.meanwhile is not None:
            change.meanwhile()
            self._begin(change)
        if change.later is not None:
            self._work_until(self._find_busy)
            change.later()
            self._begin(change)
        self.work_until_quiet()
        if change.heard_again:
            self._begin(change)
            self.work_until_quiet()

    def work_until_quiet(self, *, within_s: float = LATE_S, held: Collection[str] = ()) -> None:
        """Let time pass until nothing is left to do; what timed out is done within so many seconds.

        ``held`` are reasons for which a record may be held in the end.
        """

        def find() -> list[tuple[str, ...]]:
            return [row for row in self._find_unquiet() if not (row[1] == "held" and row[2] in held)]

        self._work_until(find, self._judge_refused, within_s=within_s)

    def judge(self, change: Change) -> None:
        """The change is in Visma, once and in order, and the row knows."""
        told = tuple((effect.kind, effect.entity) for effect in self._log()[self._seen :])
        assert change.effects in {None, told}, told
        record = self.record(change.kind, change.bill_id)
        assert (record.state, record.intention, record.claim_token) == (change.state, None, None)
        if change.state == "ignored":
            assert record.visma_number is None
            return
        shown = (
            self.supplier_of(change.bill_id) if change.kind == "vendor" else self.invoice_of(change.bill_id)
        )
        shown |= shown.get("mainContact", {})
        seen = {name: shown[name] for name in change.shows}
        assert seen == change.shows, (seen, change.shows)

    def judge_books(self) -> None:
        """One supplier for every vendor, one document for every bill, and no letter is open."""
        with self.conn() as conn:
            rows = records.list_records(conn, self.tenant)
            assert dead_letters.list_letters(conn, self.tenant) == []
        company = self.here.world.visma.companies[self.company]
        for kind, shown in (("vendor", company.suppliers), ("bill", company.invoices)):
            linked = [row.visma_number for row in rows if row.kind == kind and row.visma_number]
            assert sorted(linked) == sorted(one.number for one in shown.rows())

    def judge_limits(self) -> None:
        """No limit was exceeded in any play."""
        assert self.sandbox.calls()["violations"] == []

    def run(self, kind: Kind, bill_id: str) -> Run:
        """Run the task of one record; when its worker ends, another takes its place."""
        return self._as_worker(lambda: super(Workshop, self).run(kind, bill_id), Run(kind, bill_id, "killed"))

    def work_off(self) -> list[Run]:
        """Run everything that is due, the copying of documents too."""
        runs: list[Run] = []
        while True:
            self.context.dispatcher.dispatch_due()
            if self.config.sync.attachments:
                send_copying(self.context.pool, self.context.dispatcher)
            if not self.sender.sent:
                return runs
            name, (_, bill_id) = self.sender.sent.pop(0)
            runs.append(self._copy(bill_id) if name not in KINDS else self.run(KINDS[name], bill_id))
            assert len(runs) < MOST_RUNS, [(run.kind, run.word) for run in runs[-6:]]

    def poll(self, *sources: str) -> None:
        """Run polls; when the worker ends, whoever takes them over does so when their claims have ended."""
        self._as_worker(lambda: super(Workshop, self).poll(*sources), None)

    def pass_time(self, seconds: float) -> list[Run]:
        """Let time pass everywhere, and work off what it makes due."""
        self.stores.pass_time(seconds)
        self.clock.advance(seconds)
        now = self.clock().timestamp()
        arrived = [due for due, at in self.later if at <= now]
        self.later = [(due, at) for due, at in self.later if at > now]
        return [*(self.run(due.kind, due.bill_id) for due in arrived), *self.work_off()]

    def _begin(self, change: Change) -> None:
        if change.begin is None:
            self.hear(Heard(change.kind, change.bill_id, forced=True))
        else:
            self._as_worker(change.begin, None)
        self.work_off()

    def _copy(self, bill_id: str) -> Run:
        def copy() -> Run:
            word = run_copying(BenchTask(queues.COPY_ATTACHMENTS), self.tenant, bill_id)
            return Run("bill", bill_id, word)

        return self._as_worker(copy, Run("bill", bill_id, "killed"))

    def _as_worker(self, act: Callable[[], Any], ended: Any) -> Any:
        try:
            with self.injector.worker():
                return act()
        except Killed:
            self._replace_worker()
            return ended

    def _work_until(
        self,
        find: Callable[[], list[tuple[str, ...]]],
        meanwhile: Callable[[], None] = lambda: None,
        *,
        within_s: float = LATE_S,
    ) -> None:
        passed_s = 0.0
        for _ in range(MOST_ROUNDS):
            if not self.injector.late and find() == []:
                return
            wait_s = self._next_wait_s()
            if passed_s + wait_s > within_s:
                self.injector.happen_late()
            self.know_visma()
            meanwhile()
            self.pass_time(wait_s)
            passed_s += wait_s
        assert find() == []

    def _next_wait_s(self) -> float:
        now = self.clock().timestamp()
        return max(0.1, min((at for _, at in self.later), default=now + ROUND_S) - now)

    def _replace_worker(self) -> None:
        """Nothing of the ended worker's memory is left; the pool's connections are as good as new ones."""
        ended, settings = self.context, self.context.settings
        self.context = Context(settings, worker_name="bench", clock=self.clock)
        for name in ("pool", "redis", "sender"):
            self.context.__dict__[name] = ended.__dict__[name]
        set_context_maker(lambda: self.context)

    def _log(self) -> list[Any]:
        return self.here.world.visma.companies[self.company].log

    def _find_unquiet(self) -> list[tuple[str, ...]]:
        return self._find(UNQUIET)

    def _find_busy(self) -> list[tuple[str, ...]]:
        return self._find(BUSY)

    def _find(self, query: bytes) -> list[tuple[str, ...]]:
        with self.conn() as conn:
            return [tuple(map(str, row.values())) for row in conn.execute(query).fetchall()]

    def _judge_refused(self) -> None:
        """A person has mended in Visma why it refused, applies the settings again, replays what died."""
        stuck = {kind for kind, state, *_ in self._find_unquiet() if state in {"held", "dead"}}
        with self.conn() as conn:
            if stuck - {"documents"}:
                records.rejudge_all(conn, self.tenant)
            if "documents" in stuck:
                for letter in dead_letters.list_letters(conn, self.tenant):
                    replay_letter(conn, letter["id"], by="anna")

    def know_visma(self) -> None:
        """Visma's polls run on time, and show nothing new."""
        with self.conn() as conn:
            conn.execute(b"UPDATE watermarks SET last_complete_at = now() WHERE source = 'visma'")


Scene = Callable[[Workshop], Change]
"""Sets a tenant's books up, and makes a change in BILL."""
