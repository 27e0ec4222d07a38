"""The work on the documents of one claimed bill: what it needs, and the guards before every call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared import logs
from shared.bill.documents import BillDocuments
from shared.errors import NotYet
from shared.limits import Places
from shared.store import attachments, history, records
from shared.store.attachments import Claim, Document
from shared.store.pool import Conn, Pool
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from shared.visma.window import WriteWindow
from workers.sync.intention import Intention
from workers.sync.work import TURN_LEASE_S, TURN_WAIT_S, turn_key

log = logs.get_logger(__name__)

RUN_S = 30.0
"""So long a run begins further documents; the rest is left to the next run."""


@dataclass(slots=True)
class AttachmentWork:
    """One bill's documents, claimed by us.

    ``known`` is what our rows tell of them, by BILL's id; ``lost_an_answer`` says that an upload of this
    run may have happened.
    """

    tenant: TenantConfig
    claim: Claim
    pool: Pool
    documents: BillDocuments
    visma: VismaClient
    turns: Places
    clock: Callable[[], datetime]
    actor: str
    window: WriteWindow = field(default_factory=WriteWindow)
    known: dict[str, Document] = field(default_factory=dict)
    lost_an_answer: bool = False
    _ends: float = field(default_factory=lambda: time.monotonic() + RUN_S)

    @property
    def invoice(self) -> tuple[str, str]:
        """Type and number of the supplier invoice."""
        return str(self.claim.visma_type), str(self.claim.visma_number)

    @contextmanager
    def conn(self) -> Iterator[Conn]:
        """A database connection for as long as one look or write takes."""
        with self.pool.connection() as conn:
            yield conn

    def read_known(self) -> None:
        """What our rows tell of the bill's documents at this invoice."""
        with self.conn() as conn:
            self.known = attachments.list_documents(conn, self.claim)

    def is_attached(self, document_id: str) -> bool:
        """Whether the invoice has this document, as our rows tell."""
        known = self.known.get(document_id)
        return known is not None and known.attached_at is not None

    def follow_etag(self, old: str | None, new: str | None) -> None:
        """Tell the bill's record that the upload, not a person, moved the invoice's ETag."""
        if old and new:
            with self.conn() as conn:
                records.follow_etag(conn, self.tenant.id, self.claim.bill_id, self.invoice, old=old, new=new)

    def ensure_time(self) -> None:
        """Raises NotYet once this run has taken long enough; the next one goes on at once."""
        if time.monotonic() > self._ends:
            raise NotYet("more_documents", "the rest is copied by the next run", retry_after_s=0.0)

    def extend(self, extra_s: float = 0.0) -> None:
        """Hold the row past the next call. Raises ClaimLost when it is no longer ours."""
        with self.conn() as conn:
            attachments.extend(conn, self.claim, extra_s=extra_s)

    @contextmanager
    def turn(self, extra_s: float) -> Iterator[None]:
        """This company's turn to write, for an upload. Raises NoPlace when others keep it too long."""
        limit = self.tenant.limits.visma_concurrency
        lease_s = TURN_LEASE_S + extra_s
        with self.turns.hold(turn_key(self.tenant), limit, lease_s=lease_s, wait_s=TURN_WAIT_S):
            yield

    def announce(self, document: Document, extra_s: float) -> None:
        """Note that the document is sent now, and hold the row meanwhile. Raises ClaimLost."""
        sent = replace(document, sent_at=self.clock())
        self.window.open()
        with self.conn() as conn:
            attachments.announce(conn, self.claim, sent, extra_s=extra_s)
        self.known[document.document_id] = sent

    def retract(self, document: Document) -> None:
        """Note that an announced upload surely did not happen."""
        with self.conn() as conn:
            attachments.retract(conn, self.claim, document.document_id)
        self.known[document.document_id] = document

    def settle(self, document: Document, *, note: str) -> None:
        """The invoice has the document: record it, and tell it in the bill's history."""
        claim = self.claim
        entry = history.Entry(
            claim.tenant, "bill", claim.bill_id, self.actor, "attached",
            detail=f"{document.name} ({note})", visma_type=claim.visma_type, visma_number=claim.visma_number,
        )  # fmt: skip
        with self.conn() as conn, conn.transaction():
            attachments.put_attached(conn, claim, document)
            history.add_entry(conn, entry)
        self.known[document.document_id] = replace(document, attached_at=self.clock())
        log.info("document attached", action="attachment.created", document_id=document.document_id, how=note)

    def may_send_again(self, sent_at: datetime) -> bool:
        """Whether Visma can no longer be working on what was sent then."""
        cap_s = self.tenant.limits.visma_request_cap_s
        return self._sent(sent_at).may_send_again(self.clock(), cap_s=cap_s)

    def next_look_up_s(self) -> float:
        """Seconds to the next look for an upload without an answer."""
        cap_s, now = self.tenant.limits.visma_request_cap_s, self.clock()
        open_ones = (one for one in self.known.values() if one.attached_at is None)
        waits = [self._sent(one.sent_at).next_look_up_s(now, cap_s=cap_s) for one in open_ones if one.sent_at]
        return min(waits, default=0.0)

    def _sent(self, sent_at: datetime) -> Intention:
        return Intention(self.invoice[0], sent_at, {})
