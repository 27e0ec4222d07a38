"""Seals what was written to history since the last time; long after the work it tells of was done."""

from __future__ import annotations

import time
from typing import Final

from shared import logs, queues
from shared.store import audit
from shared.store.audit import ROWS_AT_ONCE, AuditBroken
from shared.store.pool import Pool
from shared.vault import SealBroken, UnknownKeyId, Vault
from workers.sync.dispatch import Dispatcher

log = logs.get_logger(__name__)

PIECE_S: Final = 10.0
"""A sealer works so long at most; what is left is there for the next one."""


def send_sealing(pool: Pool, dispatcher: Dispatcher) -> int:
    """Send a sealer for every tenant whose history grew, once a minute at most; how many."""
    with pool.connection() as conn:
        due = audit.take_due(conn)
    for tenant in due:
        dispatcher.send(queues.SEAL_HISTORY, tenant)
    return len(due)


def seal(pool: Pool, vault: Vault, tenant: str) -> int:
    """Seal a tenant's fresh history; how many rows. A broken trail is told in the log, loudly."""
    until, sealed = time.monotonic() + PIECE_S, 0
    with pool.connection() as conn:
        while True:
            try:
                count = audit.seal_history(conn, vault, tenant)
            except (AuditBroken, SealBroken, UnknownKeyId) as error:
                log.error("history is not sealed", action="audit.not_sealed", tenant=tenant, why=str(error))
                return sealed
            sealed += count
            if count < ROWS_AT_ONCE or time.monotonic() > until:
                break
        head = audit.find_head(conn, tenant)
    if sealed:
        # Kept elsewhere than the database: a head that a later chain must still hold.
        log.info("history sealed", action="audit.sealed", tenant=tenant, rows=sealed, head=str(head))
    return sealed
