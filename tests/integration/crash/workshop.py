"""A bench whose workers end between two steps and are followed by new ones, until all is quiet."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.bill.models import Kind
from shared.clock import utc_now
from shared.store import records
from shared.store.records import Heard
from tests.integration.crash.injector import Fault, Injector, Killed
from tests.support.bench import Bench, Run
from workers.wiring import Context, set_context_maker

ROUND_S = 61.0
"""Past the claims, turns and messages of the ended."""

MOST_ROUNDS = 40
LATE_S = 200.0
"""When a request that timed out is done: after all look-ups but the last, before Visma's cap."""

AGE_PLACES = """
for _, key in ipairs(redis.call('KEYS', 'places:*:leases')) do
  for _, token in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    redis.call('ZINCRBY', key, -ARGV[1], token)
  end
end
"""

NUMBERS = itertools.count(1)


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


class Workshop(Bench):
    """A tenant, and workers that may end at any step."""

    injector: Injector

    def __init__(self, injector: Injector, *args: Any) -> None:
        self.injector = injector
        self._seen = 0
        super().__init__(*args)
        self._age_places = self.context.redis.register_script(AGE_PLACES)

    def play(self, change: Change, *, kill_at: int | None, fault: Fault, fault_at: int) -> None:
        """Carry a change over, with one worker's end and one spoilt answer on the way."""
        self._seen += len(self.sandbox.visma_log(self.company, self._seen))
        self.injector.arm(kill_at=kill_at, fault=fault, fault_at=fault_at)
        self.carry(change.kind, change.bill_id, change.meanwhile)
        self.injector.disarm()
        self.judge(change)

    def carry(self, kind: Kind, bill_id: str, meanwhile: Callable[[], object] | None = None) -> None:
        """Work on what was heard until nothing is left to do."""
        self.clock.now = utc_now()
        self._know_visma()
        self.hear(Heard(kind, bill_id, forced=True))
        self.work_off()
        if meanwhile is not None:
            meanwhile()
            self.hear(Heard(kind, bill_id, forced=True))
            self.work_off()
        passed_s = 0.0
        for _ in range(MOST_ROUNDS):
            if not self.injector.late and self._find_unquiet() == []:
                return
            wait_s = self._next_wait_s()
            if passed_s + wait_s > LATE_S:
                self.injector.happen_late()
            self._know_visma()
            self._judge_refused()
            self.pass_time(wait_s)
            passed_s += wait_s
        assert self._find_unquiet() == []

    def judge(self, change: Change) -> None:
        """The change is in Visma, once and in order, and the row knows."""
        log = self.sandbox.visma_log(self.company, self._seen)
        self._seen += len(log)
        told = tuple((row["kind"], row["entity"]) for row in log)
        assert change.effects in {None, told}, told
        record = self.record(change.kind, change.bill_id)
        assert (record.state, record.intention, record.claim_token) == (change.state, None, None)
        if change.state == "ignored":
            assert record.visma_number is None
            return
        shown = (
            self.supplier_of(change.bill_id) if change.kind == "vendor" else self.invoice_of(change.bill_id)
        )
        seen = {name: shown[name] for name in change.shows}
        assert seen == change.shows, (seen, change.shows)

    def judge_books(self) -> None:
        """One supplier for every vendor, one document for every bill; no limit was exceeded."""
        with self.conn() as conn:
            rows = records.list_records(conn, self.tenant)
        for kind, shown, key in (
            ("vendor", self.suppliers(), "number"),
            ("bill", self.invoices(), "referenceNumber"),
        ):
            linked = [row.visma_number for row in rows if row.kind == kind and row.visma_number]
            assert sorted(linked) == sorted(one[key] for one in shown)
        assert self.sandbox.calls()["violations"] == []

    def run(self, kind: Kind, bill_id: str) -> Run:
        """Run the task of one record; when its worker ends, another takes its place."""
        try:
            with self.injector.worker():
                return super().run(kind, bill_id)
        except Killed:
            self._replace_worker()
            return Run(kind, bill_id, "killed")

    def pass_time(self, seconds: float) -> list[Run]:
        """Let time pass, for the places too that the ended held."""
        self._age_places(keys=[], args=[int(seconds * 1000)])
        return super().pass_time(seconds)

    def _next_wait_s(self) -> float:
        now = self.clock().timestamp()
        return max(0.1, min((at for _, at in self.later), default=now + ROUND_S) - now)

    def _replace_worker(self) -> None:
        ended, self.context = (
            self.context,
            Context(self.context.settings, worker_name="bench", clock=self.clock),
        )
        for name in ("pool", "redis", "sender"):
            self.context.__dict__[name] = ended.__dict__[name]
        set_context_maker(lambda: self.context)

    def _find_unquiet(self) -> list[tuple[str, ...]]:
        with self.conn() as conn:
            found = conn.execute(
                b"SELECT kind, state, reason, detail FROM records WHERE tenant = %s AND (wanted > done "
                b"OR claim_token IS NOT NULL OR intention IS NOT NULL OR state IN ('held', 'dead'))",
                [self.tenant],
            ).fetchall()
        return [tuple(map(str, row.values())) for row in found]

    def _judge_refused(self) -> None:
        """A person has mended in Visma why it refused, and applies the tenant's settings again."""
        if any(state in {"held", "dead"} for _, state, *_ in self._find_unquiet()):
            with self.conn() as conn:
                records.rejudge_all(conn, self.tenant)

    def _know_visma(self) -> None:
        """Visma's polls run on time, and show nothing new."""
        with self.conn() as conn:
            conn.execute(
                b"UPDATE watermarks SET last_complete_at = now() WHERE tenant = %s AND source = 'visma'",
                [self.tenant],
            )


Scene = Callable[[Workshop], Callable[[], Change]]
"""Sets a tenant's books up; gives what makes the next change of its kind, each time a new one."""
