"""The attachments tables: bills whose documents belong at their supplier invoice, and what was copied.

Made due, claimed and finished as records are, by counts and a claim's token, but apart from them: a
file that cannot be copied leaves its bill's record alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.errors import ClaimLost
from shared.queues import COPY_ATTACHMENTS
from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("attachments")
ATTACHMENTS_FIRST = "attachments_first"
"""Why a bill's record is parked until its documents are copied."""

CLAIM_S = 60.0
"""How long a claim lasts that no file prolongs; longer than an ordinary call and its place."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A bill's row in our hands, and the supplier invoice that the bill's record has at this moment.

    ``looked_at`` is None until everything was copied once. ``lost_claims`` is as in a record.
    """

    tenant: str
    bill_id: str
    attempts: int
    looked_at: datetime | None
    visma_type: str | None
    visma_number: str | None
    claim_token: UUID = field(repr=False)
    lost_claims: int = 0

    @property
    def key(self) -> dict[str, Any]:
        """Statement parameters that name the row and prove whose it is."""
        return {"tenant": self.tenant, "bill_id": self.bill_id, "token": self.claim_token}

    @property
    def invoice(self) -> dict[str, Any]:
        """Statement parameters that name the supplier invoice."""
        return {**self.key, "visma_type": self.visma_type, "visma_number": self.visma_number}


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a bill at one supplier invoice: ``name`` is Visma's, ``sha256`` the content's digest.

    ``sent_at`` without ``attached_at``: it was sent, and what came of it is not known.
    """

    document_id: str
    name: str
    sha256: bytes
    sent_at: datetime | None = None
    attachment_id: str | None = None
    attached_at: datetime | None = None


def want(conn: Conn, tenant: str, bill_id: str, *, forced: bool = False) -> None:
    """Have a bill's documents looked at; ``forced`` also where an open dead letter waits for a person."""
    values = {"tenant": tenant, "bill_id": bill_id, "forced": forced, "task": COPY_ATTACHMENTS}
    conn.execute(SQL["want"], values)


def want_unreleased(conn: Conn, tenant: str, statuses: Sequence[str]) -> int:
    """Have the bills looked at whose invoices Visma last showed in one of ``statuses``; how many."""
    return conn.execute(SQL["want_unreleased"], {"tenant": tenant, "statuses": list(statuses)}).rowcount


def take_due(conn: Conn, *, most: int, most_of_tenant: int, again_s: float) -> list[tuple[str, str]]:
    """Tenant and bill id of what is due, each given to one caller only.

    At most ``most`` are on their way at once; one not worked off within ``again_s`` seconds is lost.
    """
    values = {"most": most, "most_of_tenant": most_of_tenant, "again_s": again_s}
    return [(row["tenant"], row["bill_id"]) for row in conn.execute(SQL["take_due"], values)]


def rest(conn: Conn, tenant: str, bill_id: str, *, delay_s: float) -> None:
    """Let a row that nobody works on wait, uncounted, and free its place among those on their way."""
    conn.execute(SQL["rest"], {"tenant": tenant, "bill_id": bill_id, "delay_s": delay_s})


def claim(conn: Conn, tenant: str, bill_id: str) -> Claim | None:
    """Take the row for ``CLAIM_S`` seconds; None when it is not due, parked, dead, or someone else's."""
    values = {"tenant": tenant, "bill_id": bill_id, "claim_s": CLAIM_S}
    row = conn.execute(SQL["claim"], values).fetchone()
    return Claim(**row) if row else None


def extend(conn: Conn, claimed: Claim, *, extra_s: float = 0.0) -> None:
    """Hold the row past the next call, which may take ``extra_s`` more than an ordinary one.

    Raises ClaimLost when the claim ran out: then nothing may be written to Visma any more.
    """
    if conn.execute(SQL["extend"], {**claimed.key, "claim_s": CLAIM_S + extra_s}).rowcount != 1:
        raise ClaimLost


def announce(conn: Conn, claimed: Claim, document: Document, *, extra_s: float) -> None:
    """Hold the row past an upload and note what is sent, and that it is now. Raises ClaimLost."""
    with conn.transaction():
        extend(conn, claimed, extra_s=extra_s)
        _put(conn, claimed, document, attached=False)


def retract(conn: Conn, claimed: Claim, document_id: str) -> None:
    """Note that an announced upload surely did not happen."""
    conn.execute(SQL["retract"], {**claimed.invoice, "document_id": document_id})


def put_attached(conn: Conn, claimed: Claim, document: Document) -> None:
    """Note that the supplier invoice has this document."""
    _put(conn, claimed, document, attached=True)


def list_documents(conn: Conn, claimed: Claim) -> dict[str, Document]:
    """What is known of the bill's documents at this supplier invoice, by BILL's id."""
    rows = conn.execute(SQL["documents"], claimed.invoice)
    return {row["document_id"]: Document(**row) for row in rows}


def finish(conn: Conn, claimed: Claim, *, detail: str | None) -> None:
    """End the look, and wake the bill's record where it waits for it under ``ATTACHMENTS_FIRST``.

    Raises ClaimLost when the row is another worker's now.
    """
    with conn.transaction():
        if conn.execute(SQL["finish"], {**claimed.key, "detail": detail}).rowcount != 1:
            raise ClaimLost
        conn.execute(SQL["wake_bill"], {**claimed.key, "reason": ATTACHMENTS_FIRST})


def park(conn: Conn, claimed: Claim, *, delay_s: float, detail: str, counts: bool) -> None:
    """Give the row back for later; ``counts`` says whether the try was an attempt."""
    conn.execute(SQL["park"], {**claimed.key, "delay_s": delay_s, "detail": detail, "uncounted": not counts})


def bury(conn: Conn, claimed: Claim, *, detail: str) -> int:
    """Mark the row dead and return its attempts. Raises ClaimLost."""
    row = conn.execute(SQL["bury"], {**claimed.key, "detail": detail}).fetchone()
    if row is None:
        raise ClaimLost
    return int(row["attempts"])


def all_copied(conn: Conn, tenant: str, bill_id: str) -> bool:
    """Whether nothing of a bill is left to copy: what a release waits for.

    True for a bill that was never looked at, and after a person discarded the dead letter of what
    could not be copied; False while that letter is open.
    """
    values = {"tenant": tenant, "bill_id": bill_id, "task": COPY_ATTACHMENTS}
    row = conn.execute(SQL["all_copied"], values).fetchone()
    return bool(row and row["all_copied"])


def _put(conn: Conn, claimed: Claim, document: Document, *, attached: bool) -> None:
    values = {
        **claimed.invoice,
        "document_id": document.document_id,
        "name": document.name,
        "sha256": document.sha256,
        "attachment_id": document.attachment_id,
        "sent_at": document.sent_at,
        "attached": attached,
    }
    conn.execute(SQL["put_document"], values)
