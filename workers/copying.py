"""Runs the copying of one bill's documents: its claim, its retries, its dead letter.

The sibling of ``workers.base`` for work that has a row of its own beside its bill's record, which it
never touches. All waits are parked in PostgreSQL: nobody waits for a file as for a record.
"""

from __future__ import annotations

import traceback

from shared import backoff, logs
from shared.circuit import SYSTEMS
from shared.errors import (
    ClaimLost,
    ConnectorError,
    CredentialsRefused,
    NotYet,
    OutcomeUnknown,
    Permanent,
    PoisonRecord,
)
from shared.store import attachments, dead_letters
from shared.store.dead_letters import DeadLetter
from workers.base import (
    LONG_CAP_S,
    MAX_ATTEMPTS,
    MOST_LOST_CLAIMS,
    SUSPENDED_S,
    ConnectorTask,
    counts_as_try,
    describe_error,
    note_failure,
    suspend_tenant,
    uncounted,
)
from workers.sync.attachment_work import AttachmentWork
from workers.sync.attachments import copy_documents
from workers.wiring import Context, get_context

log = logs.get_logger(__name__)

BACKOFF_BASE_S = 2.0
OPEN_CIRCUIT_S = 30.0


def run_copying(task: ConnectorTask, tenant: str, bill_id: str) -> str:
    """Claim the bill's row and copy what is missing; one word for Flower."""
    with logs.bound(tenant=tenant, kind="bill", bill_id=bill_id):
        context = get_context()
        row = context.get_tenant(tenant)
        if not row.is_active:
            return "paused"
        if any(context.circuits.find_state(tenant, system).open for system in SYSTEMS):
            with context.pool.connection() as conn:  # records and polls find out when it closes
                attachments.rest(conn, tenant, bill_id, delay_s=OPEN_CIRCUIT_S)
            return "circuit open"
        with context.pool.connection() as conn:
            claim = attachments.claim(conn, tenant, bill_id)
        if claim is None:
            return "not due"
        try:
            return _run(task, context, context.attachment_work(row.config, claim))
        except ClaimLost:
            log.warning("claim lost", action="attachments.claim_lost")
            return "claim lost"


def _run(task: ConnectorTask, context: Context, work: AttachmentWork) -> str:
    try:
        if work.claim.lost_claims >= MOST_LOST_CLAIMS:
            raise PoisonRecord(work.claim.lost_claims)
        if work.claim.attempts > MAX_ATTEMPTS:
            raise Permanent(f"{work.claim.attempts} tries, and none of them came to an end")
        detail = copy_documents(work)
        with work.conn() as conn, conn.transaction():
            attachments.finish(conn, work.claim, detail=detail)
            dead_letters.close_letters(
                conn, work.claim.tenant, "bill", work.claim.bill_id, by=work.actor, attachments=True
            )
        return detail or "nothing to copy"
    except ClaimLost:
        raise
    except CredentialsRefused as error:
        suspend_tenant(context, work.claim.tenant, error)
        return _park(work, error, delay_s=SUSPENDED_S, counts=False)
    except OutcomeUnknown as error:
        note_failure(context, work.claim.tenant, error)
        return _park(work, error, delay_s=work.next_look_up_s(), counts=work.lost_an_answer)
    except ConnectorError as error:
        note_failure(context, work.claim.tenant, error)
        return _park_or_bury(task, context, work, error)
    except Exception as error:  # a bug, or our own database: worth a repeat, counted
        log.exception("unexpected error", action="attachments.unexpected_error")
        return _park_or_bury(task, context, work, error)


def _park_or_bury(task: ConnectorTask, context: Context, work: AttachmentWork, error: Exception) -> str:
    if isinstance(error, NotYet):
        return _park(work, error, delay_s=error.retry_after_s or 0.0, counts=False)
    counts = counts_as_try(context, work.claim.tenant, error)
    decision = backoff.decide(
        error if counts else uncounted(error),
        attempts=work.claim.attempts,
        max_attempts=MAX_ATTEMPTS,
        base_s=BACKOFF_BASE_S,
        cap_s=LONG_CAP_S,
    )
    if not decision.again:
        return _bury(task, work, error)
    return _park(work, error, delay_s=decision.delay_s, counts=counts)


def _park(work: AttachmentWork, error: Exception, *, delay_s: float, counts: bool) -> str:
    detail = describe_error(error)
    log.info("copying parked", action="attachments.parked", delay_s=round(delay_s, 1), detail=detail)
    with work.conn() as conn:
        attachments.park(conn, work.claim, delay_s=delay_s, detail=detail, counts=counts)
    return "parked"


def _bury(task: ConnectorTask, work: AttachmentWork, error: Exception) -> str:
    claim, text = work.claim, describe_error(error)
    with work.conn() as conn, conn.transaction():
        attempts = attachments.bury(conn, claim, detail=text)
        letter = DeadLetter(
            task=task.name,
            args=[claim.tenant, claim.bill_id],
            error_class=type(error).__name__,
            error=text,
            task_id=task.request.id,
            tenant=claim.tenant,
            kind="bill",
            bill_id=claim.bill_id,
            traceback="".join(traceback.format_exception(error)),
            attempts=attempts,
        )
        dead_letters.replace_letters(conn, letter, by=work.actor)
    log.error("copying is dead", action="attachments.dead", error=text, attempts=attempts)
    return "dead"
