"""The one place that retries, parks, suspends and writes dead letters; every task stands on it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn
from uuid import UUID

from celery import Task

from shared import backoff, logs, metrics
from shared.bill.models import Kind
from shared.circuit import SYSTEMS
from shared.errors import (
    ClaimLost,
    ConnectorError,
    CredentialsRefused,
    NotYet,
    OutcomeUnknown,
    Permanent,
    PoisonRecord,
    Retryable,
    Unavailable,
)
from shared.queues import MAX_COUNTDOWN_S
from shared.store import dead_letters, records, tenants, watermarks
from shared.store.dead_letters import DeadLetter
from shared.store.records import Due, Parking, Record, Urgency
from shared.store.watermarks import Poll
from workers.sync.outcome import Outcome
from workers.sync.poll import PollWork, Walked
from workers.sync.settle import outcome_of, park_behind_vendor, settle
from workers.sync.vendor_link import VENDOR_FIRST
from workers.sync.work import Work
from workers.wiring import Context, get_context

log = logs.get_logger(__name__)

MAX_ATTEMPTS = 12
SHORT_ATTEMPTS = 5
"""So many tries come soon after one another, in Celery; the rest is parked in PostgreSQL."""

MOST_LOST_CLAIMS = 3
"""So many workers in a row may end on a record without a word; the next one buries it untouched."""

LONG_CAP_S = 3600.0
LOST_WRITE_S = 2.0
PAUSE_S = 5.0
PIECE_S = 20.0
"""A long walk goes back to the queue after so long, so that others get their turn."""

SUSPENDED_S = 300.0
BACKFILL_S = 10.0  # it has no interval of its own, and a person waits for it

Upsert = Callable[[Work], Outcome]
Walk = Callable[[PollWork], Walked]


class ConnectorTask(Task):  # type: ignore[misc]
    """A task of the connector: its log lines carry the task's id, its errors no secret."""

    abstract = True
    max_retries = None  # how often is our decision, not Celery's, which would end with the third

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with logs.bound(task=self.name, task_id=self.request.id):
            return self.run(*args, **kwargs)

    def make_true(self, kind: Kind, tenant: str, bill_id: str, upsert: Upsert) -> str:
        """Claim the record, run ``upsert`` on it, and record what came of it; one word for Flower."""
        with logs.bound(tenant=tenant, kind=kind, bill_id=bill_id):
            return _Run(self, get_context(), kind, tenant, bill_id).make_true(upsert)

    def walk(
        self,
        source: str,
        tenant: str,
        kind: str,
        token: str,
        walk: Walk,
        resume: dict[str, Any] | None = None,
    ) -> int:
        """Run a poll that a tick gave us, or its next piece; a failure sets the next, and loses nothing."""
        context = get_context()
        with logs.bound(tenant=tenant, source=source, kind=kind):
            walked = _walk(context, Poll(tenant, source, kind, UUID(token)), walk, resume)
            if walked.resume is not None:
                context.dispatcher.send(self.name, tenant, kind, token, walked.resume)
            return walked.rows


class _Run:
    """One task's run on one record."""

    def __init__(self, task: ConnectorTask, context: Context, kind: Kind, tenant: str, bill_id: str) -> None:
        self.task = task
        self.context = context
        self.due = Due(tenant, kind, bill_id, Urgency.WEBHOOK)
        self.started = time.monotonic()

    def make_true(self, upsert: Upsert) -> str:
        row = self.context.get_tenant(self.due.tenant)
        if not row.is_active:
            return "paused"
        if not self.context.circuits.may_work(self.due.tenant):
            with self.context.pool.connection() as conn:
                records.undispatch(conn, self.due)
            return "circuit open"
        try:
            with self.context.pool.connection() as conn:
                record = records.claim(conn, self.due)
            if record is None:
                return "not due"
            return self._work(self.context.work(row.config, record), upsert)
        finally:
            self.context.circuits.end_probe(self.due.tenant)
            self.context.dispatcher.dispatch_of(self.due.tenant)

    def _work(self, work: Work, upsert: Upsert) -> str:
        try:
            outcome = self._judge(work, upsert)
            return self._settle(work, outcome)
        except ClaimLost:
            log.warning("claim lost", action="record.claim_lost")
            return "claim lost"
        except ConnectorError as error:
            return self._failed(work, error)
        except Exception as error:  # a bug, or our own database: worth a repeat, counted
            log.exception("unexpected error", action="record.unexpected_error")
            return self._failed(work, error)
        finally:
            work.end_turn()

    def _judge(self, work: Work, upsert: Upsert) -> Outcome:
        if work.record.lost_claims >= MOST_LOST_CLAIMS:
            raise PoisonRecord(work.record.lost_claims)
        if work.record.attempts > MAX_ATTEMPTS:
            raise Permanent(f"{work.record.attempts} tries, and none of them came to an end")
        return outcome_of(work, upsert)

    def _settle(self, work: Work, outcome: Outcome) -> str:
        settle(work, outcome, actor=self.context.worker_name, task_id=self.task.request.id)
        finish = outcome.finish
        seconds = time.monotonic() - self.started
        metrics.SYNC_SECONDS.labels(self.due.kind, outcome.action).observe(seconds)
        log.info(
            "record settled",
            action=f"{'supplier' if self.due.kind == 'vendor' else 'supplier_invoice'}.{outcome.action}",
            reason=finish.reason,
            detail=finish.detail,
            visma_number=finish.visma_number,
            seconds=round(seconds, 3),
        )
        return outcome.action

    def _failed(self, work: Work, error: Exception) -> str:
        metrics.SYNC_SECONDS.labels(self.due.kind, "failed").observe(time.monotonic() - self.started)
        note_failure(self.context, self.due.tenant, error)
        if isinstance(error, OutcomeUnknown):
            return self._look_up_later(work, error)
        if isinstance(error, CredentialsRefused):
            return self._suspend(work, error)
        if isinstance(error, NotYet) and error.reason == VENDOR_FIRST:
            return self._wait_for_vendor(work, error)
        if isinstance(error, NotYet):
            self._park(work, error, delay_s=error.retry_after_s or MAX_COUNTDOWN_S, reason=error.reason)
            return f"waits: {error.reason}"
        return self._retry_or_bury(work, error)

    def _retry_or_bury(self, work: Work, error: Exception) -> str:
        attempts = work.record.attempts
        counts = counts_as_try(self.context, self.due.tenant, error)
        soon = attempts <= SHORT_ATTEMPTS
        decision = backoff.decide(
            error if counts else uncounted(error),
            attempts=attempts,
            max_attempts=MAX_ATTEMPTS,
            base_s=1.0 if soon else float(MAX_COUNTDOWN_S),
            cap_s=float(MAX_COUNTDOWN_S) if soon else LONG_CAP_S,
        )
        if not decision.again:
            return self._bury(work, error)
        by_celery = decision.delay_s <= MAX_COUNTDOWN_S
        self._park(work, error, delay_s=decision.delay_s, counts=counts, dispatched=by_celery)
        if by_celery:
            self._retry(error, decision.delay_s)
        return "parked"

    def _look_up_later(self, work: Work, error: OutcomeUnknown) -> str:
        """A write may have happened: no repeat before it was looked up."""
        delay_s = LOST_WRITE_S
        if work.intention is not None:
            cap_s = work.tenant.limits.visma_request_cap_s
            delay_s = work.intention.next_look_up_s(self.context.clock(), cap_s=cap_s)
        self._park(
            work, error, delay_s=delay_s, counts=False, dispatched=delay_s <= MAX_COUNTDOWN_S, sure=False
        )
        if delay_s <= MAX_COUNTDOWN_S:
            self._retry(error, delay_s)
        return "outcome unknown"

    def _wait_for_vendor(self, work: Work, error: NotYet) -> str:
        park_behind_vendor(work, str(error))
        return "waits: vendor_first"

    def _suspend(self, work: Work, error: CredentialsRefused) -> str:
        suspend_tenant(self.context, self.due.tenant, error)
        self._park(work, error, delay_s=SUSPENDED_S, counts=False)
        return "tenant suspended"

    def _park(
        self,
        work: Work,
        error: Exception,
        *,
        delay_s: float,
        counts: bool = False,
        dispatched: bool = False,
        reason: str | None = None,
        sure: bool = True,
    ) -> None:
        """Give the row back; ``sure`` unless an announced create may have happened."""
        nothing_ran = sure and _nothing_ran(work.record, error)
        detail = describe_error(error)
        log.info("record parked", action="record.parked", delay_s=round(delay_s, 1), detail=detail)
        parking = Parking(delay_s, detail, reason, counts, dispatched, nothing_ran)
        with self.context.pool.connection() as conn:
            records.park(conn, work.record, parking)

    def _retry(self, error: Exception, delay_s: float) -> NoReturn:
        """Come back in ``delay_s`` as the same task, so that Flower shows the retries."""
        raise self.task.retry(countdown=delay_s, exc=error, throw=False)

    def _bury(self, work: Work, error: Exception) -> str:
        record, text = work.record, describe_error(error)
        with self.context.pool.connection() as conn, conn.transaction():
            attempts = records.bury(conn, record, text, nothing_ran=_nothing_ran(record, error))
            if attempts is None:
                raise ClaimLost
            letter = _letter(self.task, record, error, attempts)
            dead_letters.replace_letters(conn, letter, by=self.context.worker_name)
            records.notify(conn, record.tenant)
        log.error("record is dead", action="record.dead", error=text, attempts=attempts)
        return "dead"


def _walk(context: Context, poll: Poll, walk: Walk, resume: dict[str, Any] | None) -> Walked:
    row = context.get_tenant(poll.tenant)
    resting = None if row.is_active else "the tenant is paused"
    if resting is None and not context.circuits.may_work(poll.tenant):
        resting = "the other side does not answer: one call at a time tries again"
    if resting is not None:
        with context.pool.connection() as conn:
            watermarks.fail(conn, poll, error=resting, delay_s=PAUSE_S)
        return Walked(0)
    try:
        walked = walk(context.poll_work(row.config, poll, resume, time.monotonic() + PIECE_S))
    except ClaimLost:
        log.warning("poll taken over", action="poll.claim_lost")
        return Walked(0)
    except Exception as error:  # a bug or our own database too: the next poll comes in any case
        note_failure(context, poll.tenant, error)
        if isinstance(error, CredentialsRefused):
            suspend_tenant(context, poll.tenant, error)
        told = error.retry_after_s if isinstance(error, Retryable) else None
        again_s = BACKFILL_S if poll.source == "backfill" else row.config.sync.poll_interval_s
        delay_s = told if told is not None else min(MAX_COUNTDOWN_S, again_s)
        why, is_known = describe_error(error), isinstance(error, ConnectorError)
        log.warning("poll failed", action="poll.failed", why=why, delay_s=delay_s, exc_info=not is_known)
        with context.pool.connection() as conn:
            watermarks.fail(conn, poll, error=why, delay_s=delay_s)
        return Walked(0)
    finally:
        context.circuits.end_probe(poll.tenant)
    if walked.resume is None:
        log.info("poll done", action="poll.done", rows=walked.rows)
    context.dispatcher.dispatch_of(poll.tenant)
    return walked


def note_failure(context: Context, tenant: str, error: Exception) -> None:
    """Tell the tenant's circuit of a call that got no answer."""
    system = error.system if isinstance(error, Unavailable | OutcomeUnknown) else None
    if system in SYSTEMS:
        context.circuits.note(tenant, system, answered=False)


def counts_as_try(context: Context, tenant: str, error: Exception) -> bool:
    """A try counts only while the system answers other calls: an outage makes no dead letters."""
    if isinstance(error, Unavailable) and error.system in SYSTEMS:
        return context.circuits.is_known_closed(tenant, error.system)
    return error.counts if isinstance(error, Retryable) else True


def uncounted(error: Exception) -> Retryable:
    """The error as one whose try does not count."""
    told = error.retry_after_s if isinstance(error, Retryable) else None
    return Retryable(str(error), retry_after_s=told, counts=False)


def suspend_tenant(context: Context, tenant: str, error: CredentialsRefused) -> None:
    """Stop work for a tenant whose credentials a system refused, until a person sets new ones."""
    with context.pool.connection() as conn:
        news = tenants.suspend(conn, tenant, f"{error.system}: {error}")
    if news:
        log.error("tenant suspended", action="tenant.suspended", system=error.system, why=str(error))


def _letter(task: Task, record: Record, error: Exception, attempts: int) -> DeadLetter:
    return DeadLetter(
        task=task.name,
        args=[record.tenant, record.bill_id],
        error_class=type(error).__name__,
        error=describe_error(error),
        task_id=task.request.id,
        tenant=record.tenant,
        kind=record.kind,
        bill_id=record.bill_id,
        traceback="".join(traceback.format_exception(error)),
        attempts=attempts,
    )


def _nothing_ran(record: Record, error: Exception) -> bool:
    """Whether an announced create surely did not happen: our tree says so, and none stood before."""
    return isinstance(error, ConnectorError) and error.sure and record.intention is None


def describe_error(error: Exception) -> str:
    """One line: ours are written for people, a bug's is its kind alone, since it may quote anything."""
    if isinstance(error, ConnectorError):
        return str(error)
    return f"unexpected {type(error).__name__}: see the log"
