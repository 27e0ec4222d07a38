"""Plays a plan: a fleet of its own on servers of its own, people, monkeys, and the judgement at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from deploy.sandbox.control import ControlError
from deploy.stage import Stage
from shared.store import progress
from shared.store.pool import Conn, connect
from tests.acceptance.books import Books, open_books
from tests.acceptance.chaos.checker import RELEASED, find_faults
from tests.acceptance.chaos.day import ChaosDay
from tests.acceptance.chaos.ground import own_home, own_stage
from tests.acceptance.chaos.monkeys import Monkeys
from tests.acceptance.chaos.plan import REFUSALS, SETTINGS, Plan
from tests.acceptance.chaos.servers import Servers

FIRST_NUMBER = 300
STUCK_S = 90.0
"""So long without a record done, and none will be: a claim or a lost message costs 60 s."""

SLOTS = 3
LISTEN_S = 0.5
POLL_S = 3
OVERLAP_S = 30
CAP_S = 8
"""How long Visma may go on with a request that nobody waits for; the sandbox takes a second or two."""

RELEASES_AN_HOUR = 3
WORK = """
SELECT sum(done)::int AS done, sum(undone)::int AS left FROM (
    SELECT sum(done) AS done, count(*) FILTER (WHERE wanted > done AND state <> 'dead') AS undone
    FROM records WHERE tenant = %(tenant)s AND COALESCE(reason, '') <> ALL(%(released)s)
    UNION ALL
    SELECT COALESCE(sum(done), 0), count(*) FILTER (WHERE wanted > done AND NOT dead)
    FROM attachments WHERE tenant = %(tenant)s
) AS work
"""
"""What is done and left, apart from what is judged anew for ever since a person must act."""


@dataclass(slots=True)
class Report:
    """What a run came to; ``faults`` is empty where all is right."""

    plan: Plan
    faults: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def tell(self) -> str:
        """All that a person needs to understand and repeat it."""
        parts = [
            f"repeat it: make chaos SEED={self.plan.seed}",
            self.plan.tell(),
            *self.said,
            str(self.figures),
            *self.faults[:40],
        ]
        return "\n".join(parts)


def run_plan(plan: Plan, environ: Mapping[str, str], log_dir: Path) -> Report:
    """Play a plan to its end and judge what is left."""
    with ExitStack() as opened:
        home = opened.enter_context(own_home())
        workers = plan.size.workers
        stage = opened.enter_context(own_stage(home, environ, log_dir, workers=workers, slots=SLOTS))
        run = _Run(plan, stage, Servers(home), opened)
        try:
            return run.play()
        except Exception as error:
            error.add_note(run.report.tell())
            raise


class _Run:
    def __init__(self, plan: Plan, stage: Stage, servers: Servers, opened: ExitStack) -> None:
        self.plan, self.stage, self.servers, self.opened = plan, stage, servers, opened
        self.report = Report(plan)
        self.firms = self._open()
        self.days = [self._day(number, books) for number, books in enumerate(self.firms)]
        self.monkeys = Monkeys(stage, servers, self.firms, plan.size.workers)
        self.report.said = self.monkeys.said
        self.dice = random.Random(plan.seed)

    def play(self) -> Report:
        self._spoil()
        began = time.monotonic()
        self.monkeys.begin()
        self._storm()
        self.stage.control.clear_faults()
        self.stage.control.flush_webhooks()
        self.monkeys.finish()
        stormed_s = time.monotonic() - began
        try:
            self._settle()
        except AssertionError as error:  # what does not come to rest is one of the faults
            self.report.faults.append(str(error))
        self._judge()
        self.report.figures |= {
            "bills": sum(len(day.bill_ids) for day in self.days),
            "edits": sum(day.edits for day in self.days),
            "documents": sum(len(names) for day in self.days for names in day.documents.values()),
            "effects": sum(len(books.effects()) for books in self.firms),
            "stormed_s": round(stormed_s, 1),
            "took_s": round(time.monotonic() - began, 1),
        }
        return self.report

    # Before.

    def _open(self) -> list[Books]:
        folder, conn = self.stage.home, self._listen()
        firms = [
            open_books(self.stage, conn, folder, FIRST_NUMBER + number, subscribed=True)
            for number in range(self.plan.size.tenants)
        ]
        for number, books in enumerate(firms):
            limits = f"visma_request_cap_s = {CAP_S}"
            books.apply(limits, poll_interval_s=POLL_S, poll_overlap_s=OVERLAP_S, **_settings(number))
        return firms

    def _listen(self) -> Conn:
        """A connection that hears of settled records; it ends with PostgreSQL's next restart."""
        conn = connect(self.stage.composition.settings.database_url, name="chaos")
        self.opened.callback(conn.close)
        progress.listen(conn)
        return conn

    def _day(self, number: int, books: Books) -> ChaosDay:
        size = self.plan.size
        seed = self.plan.seed * 100 + number
        shares = (size.vendors // size.tenants, size.bills // size.tenants, size.hours)
        return ChaosDay(books.control, books.organization, seed, *shares, sync=_settings(number))

    def _spoil(self) -> None:
        for books, rules in zip(self.firms, self.plan.faults, strict=True):
            for rule in rules:
                is_bill = rule.get("system") != "visma"
                tenant = books.organization if is_bill else books.company
                books.control.add_fault(**{**rule, "tenant": tenant})

    # People and monkeys.

    def _storm(self) -> None:
        """Blows at their times; between them people work, an hour of a tenant at a time."""
        for at_s, act in sorted(self._timeline(), key=lambda entry: entry[0]):
            self.monkeys.wait_until(at_s)
            act()

    def _timeline(self) -> Iterator[tuple[float, Callable[[], None]]]:
        size = self.plan.size
        for blow in self.plan.blows:
            yield blow.at_s, partial(self.monkeys.strike, blow)
        steps = size.hours * size.tenants
        for step in range(steps):
            yield step * size.storm_s / steps, partial(self._hour, step % size.tenants)

    def _hour(self, number: int) -> None:
        self.days[number].play_hour()
        self._release(self.firms[number])

    def _release(self, books: Books) -> None:
        """People in Visma release some of what they find; it may be gone by the time they click."""
        open_ones = [one for one in books.invoices() if one["status"] == "Balanced"]
        for one in self.dice.sample(open_ones, min(RELEASES_AN_HOUR, len(open_ones))):
            try:
                books.control.release_invoice(books.company, one["referenceNumber"], one["documentType"])
            except ControlError:
                self.report.said.append(f"{one['referenceNumber']} was not there to be released any more")

    # Afterwards.

    def _settle(self) -> None:
        """Wait until the fleet has come to rest by itself; what does not is for the judgement."""
        conn = self._listen()
        for books in self.firms:
            books.conn = conn
        for books in self.firms:
            self._rest(books)
        self._replay(conn)
        for source in ("bill", "waiting", "visma", "sweep"):
            for books in self.firms:
                books.walk(source, STUCK_S)
        for number, books in enumerate(self.firms):
            self._rest(books)
            books.apply(poll_interval_s=100_000, **_settings(number))
            books.rest()
            self._rest(books)
            books.quiet()

    def _rest(self, books: Books) -> None:
        """Wait until the tenant has no work left, as long as any of it gets done."""
        done, end = -1, 0.0
        while True:
            row = books.conn.execute(WORK, {"tenant": books.id, "released": list(RELEASED)}).fetchone()
            assert row is not None
            if row["left"] == 0:
                return
            if row["done"] != done:
                done, end = row["done"], time.monotonic() + STUCK_S
            assert time.monotonic() < end, f"{books.id}: {row['left']} records have work, and none is done"
            progress.wait_for_word(books.conn, at_most_s=LISTEN_S)

    def _replay(self, conn: Conn) -> None:
        """What Visma refused in so many words is a person's to try again; nothing else may be dead."""
        letters = conn.execute("SELECT id, error FROM dead_letters WHERE state = 'open'").fetchall()
        ours = [str(one["id"]) for one in letters if any(text in one["error"] for text in REFUSALS)]
        self.report.figures["replayed"] = len(ours)
        if ours:
            self.stage.connector("dead-letters", "replay", *ours)
            for books in self.firms:
                self._rest(books)

    def _judge(self) -> None:
        for books, day in zip(self.firms, self.days, strict=True):
            self.report.faults += [f"{books.id}: {text}" for text in find_faults(books, day)]
        violations = self.stage.control.calls()["violations"]
        self.report.faults += [f"a limit was overrun: {one}" for one in violations]


def _settings(number: int) -> Mapping[str, Any]:
    """The ``sync`` table of a tenant."""
    return SETTINGS[number % len(SETTINGS)]
