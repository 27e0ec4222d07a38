"""A dry run of a tenant's sync: the work itself, on a copy of its rows and with a Visma that only reads.

Lists are walked, records judged, matched, mapped and merged by the very functions that the sync uses. What
they would write to Visma is noted by ``DryVisma``; their rows are those of ``shared.store.shadow``, which
are gone afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from shared.bill.client import BillClient
from shared.bill.models import Kind
from shared.errors import (
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotYet,
    OutcomeUnknown,
    Retryable,
    Unavailable,
)
from shared.limits import Places
from shared.store import progress, records
from shared.store.progress import Scope
from shared.store.records import Due, Parking, Record
from shared.store.shadow import Shadow
from shared.tenants import TenantConfig
from shared.visma.dry import DryVisma
from shared.visma.models import Page, Supplier
from shared.visma.suppliers import PAGE_SIZE
from workers.mapping.supplier import map_supplier
from workers.sync.backfill import backfill
from workers.sync.content import find_kept_vendor
from workers.sync.lists import ReferenceLists
from workers.sync.mapping_facts import mapped_keys
from workers.sync.merge import find_settled_differences
from workers.sync.outcome import Outcome
from workers.sync.plan_line import Line, follow, line_of_outcome, line_of_state
from workers.sync.poll import PollWork
from workers.sync.poll_bill import walk_waiting
from workers.sync.poll_visma import walk_visma
from workers.sync.settle import outcome_of, park_behind_vendor, store_outcome
from workers.sync.supplier import is_left_alone, tell_differences, upsert_supplier
from workers.sync.supplier_invoice import upsert_supplier_invoice
from workers.sync.vendor_link import VENDOR_FIRST
from workers.sync.walks import walk_whole
from workers.sync.work import Work

ACTOR: Final = "plan"
AT_ONCE: Final = 20
TRIES: Final = 3
LONGEST_WAIT_S: Final = 60.0
_LONG_S: Final = 86_400.0
"""Beyond the end of any plan."""

_UPSERTS: Final[dict[Kind, Callable[[Work], Outcome]]] = {
    "vendor": upsert_supplier,
    "bill": upsert_supplier_invoice,
}
_VISMA_LISTS: Final = ("supplier", "supplier_invoice")

Tell = Callable[[str, int, int | None], None]
"""Told what goes on, how much of it is done and of how much, for people who wait."""


class FreeTurns(Places):
    """Turns to write that nobody has to wait for, since nothing is written."""

    def __init__(self) -> None:
        """Nothing is shared with anybody."""

    @contextmanager
    def hold(self, key: str, limit: int, *, lease_s: float = 0, wait_s: float = 0) -> Iterator[None]:
        """Always at once."""
        yield


@dataclass(frozen=True, slots=True)
class Planned:
    """A record, what people call it, and what would be done."""

    kind: Kind
    bill_id: str
    label: str
    line: Line
    detail: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The dry run of one tenant."""

    tenant: TenantConfig
    shadow: Shadow
    bill: BillClient
    visma: DryVisma
    lists: ReferenceLists
    clock: Callable[[], datetime]

    def read(self, tell: Tell) -> None:
        """Read both systems' lists as the sync would; what is news there is due afterwards."""
        self.lists.refused_visma_lists()
        keys = mapped_keys(self.tenant.mapping)
        self.lists.codes(keys, refresh=keys)
        for kind in _VISMA_LISTS:
            tell(f"reading Visma's {kind.replace('_', ' ')}s", 0, None)
            self._walk("visma", kind, walk_visma)
        what = "reading BILL's vendors and bills"
        tell(what, 0, None)
        backfill(
            self.shadow, self.bill, self.tenant, None, self.clock, tell=lambda rows: tell(what, rows, None)
        )
        self._walk("waiting", "bill", walk_waiting)
        with self.shadow.connection() as conn:
            records.rejudge_held(conn, self.tenant.id, older_s=-1)

    def judge(self, tell: Tell) -> None:
        """Work off what is due, as the workers would."""
        scope = Scope(self.tenant.id)
        before, most = -1, 0
        with self.shadow.connection() as conn:
            while (left := progress.count_left(conn, scope)) != before:
                before, most = left, max(most, left)
                while due := records.take_due(conn, self.tenant.id, most=AT_ONCE, again_s=_LONG_S):
                    for one in due:
                        self._run(one)
                    left = progress.count_left(conn, scope)
                    most = max(most, left)
                    tell("judging", most - left, most)
                # Bills whose vendor could not be carried are judged once more, as after a minute's wait.
                records.wake(conn, self.tenant.id, VENDOR_FIRST)
        tell("comparing suppliers", 0, None)
        walk_whole(lambda page: self.visma.list_suppliers(page=page), PAGE_SIZE, self._note_settled)

    def iterate(self) -> Iterator[Planned]:
        """Every vendor, then every bill, with what would be done."""
        for row in self.shadow.iterate_lines():
            line = line_of_state(row["state"], row["reason"], row["detail"], row["visma_number"])
            if row["line"] is not None:
                kept = Line.from_json(row["line"])
                line = kept if kept.writes or line.action == "none" else line
            yield Planned(row["kind"], row["bill_id"], row["label"] or "", line, row["detail"])

    def _walk(self, source: str, kind: str, walk: Callable[[PollWork], Any]) -> None:
        poll = self.shadow.take_poll(source, kind)
        if poll is not None:
            work = PollWork(self.tenant, poll, self.shadow, self.bill, self.visma, self.clock)
            self._patiently(lambda: walk(work))

    def _run(self, due: Due) -> None:
        with self.shadow.connection() as conn:
            record = records.claim(conn, due)
        if record is None:
            return
        self.shadow.keep_claim(record)
        work = self._work(record)
        try:
            self._settle(work, record, self._patiently(lambda: outcome_of(work, _UPSERTS[due.kind])))
        except (CredentialsRefused, Unavailable, NoPlace):
            raise  # the rest would fail the same
        except NotYet as error:
            self._wait(work, error)
        except (Retryable, OutcomeUnknown) as error:
            self._park(work, str(error))
        except psycopg.Error:
            raise
        except Exception as error:  # the sync would leave a dead letter
            self._bury(work, error)

    def _work(self, record: Record) -> Work:
        self.visma.writes.clear()
        return Work(
            tenant=self.tenant,
            record=record,
            pool=self.shadow,
            bill=self.bill,
            visma=self.visma,
            lists=self.lists,
            turns=FreeTurns(),
            clock=self.clock,
        )

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """What passes by itself is tried again a few times; a release is read again at once."""
        for left in reversed(range(TRIES)):
            try:
                return call()
            except NotYet:
                raise
            except Retryable as error:
                if not left:
                    raise
                if not any(write.what == "release" for write in self.visma.writes):
                    time.sleep(min(error.retry_after_s or 1.0, LONGEST_WAIT_S))
        raise AssertionError("unreachable")

    def _settle(self, work: Work, before: Record, outcome: Outcome) -> None:
        with self.shadow.connection() as conn, conn.transaction():
            store_outcome(conn, work, outcome, actor=ACTOR, task_id=None)
        line = line_of_outcome(before.kind, outcome, self.visma.writes, before.visma_number)
        if line is not None:
            self._keep(before, line)

    def _note_settled(self, page: Page[Supplier]) -> None:
        """Tell where Visma's suppliers differ in what is written once and then left to people."""
        shown = {supplier.number: supplier for supplier in page.results}
        for record in self.shadow.find_vendors(list(shown)):
            vendor = find_kept_vendor(record)
            if vendor is None or is_left_alone(record, self.tenant):
                continue
            desired = map_supplier(vendor, self.tenant).fields
            told = find_settled_differences(desired, shown[str(record.visma_number)].fields)
            if told:
                self._keep(record, Line("none", "; ".join(tell_differences(told)), record.visma_number))

    def _keep(self, record: Record, line: Line) -> None:
        earlier = self.shadow.find_line(record.kind, record.bill_id)
        whole = follow(Line.from_json(earlier) if earlier else None, line)
        self.shadow.put_line(record.kind, record.bill_id, whole.to_json())

    def _wait(self, work: Work, error: NotYet) -> None:
        if error.reason == VENDOR_FIRST:
            park_behind_vendor(work, str(error))
        else:
            self._park(work, str(error), error.reason)

    def _park(self, work: Work, detail: str, reason: str | None = None) -> None:
        with self.shadow.connection() as conn:
            records.park(conn, work.record, Parking(_LONG_S, detail, reason, counts=False))

    def _bury(self, work: Work, error: Exception) -> None:
        detail = str(error) if isinstance(error, ConnectorError) else f"unexpected {type(error).__name__}"
        with self.shadow.connection() as conn:
            records.bury(conn, work.record, detail, nothing_ran=True)
