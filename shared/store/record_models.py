"""What a row of the records table is, what was heard of it, and how the work on it ends."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from shared import jsontext
from shared.bill.models import Kind


class Urgency(IntEnum):
    """Who goes first: lower is sooner."""

    WEBHOOK = 0
    POLL = 1
    BACKFILL = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one record: perhaps only that it changed, perhaps its content.

    ``whole`` is False for a notification's content, which may lack fields. ``forced`` makes the row
    due whatever is known, also one that waits behind a dead letter; ``again`` does so without reading
    BILL anew.
    """

    kind: Kind
    bill_id: str
    updated_at: datetime | None = None
    content: bytes | None = None
    whole: bool = True
    urgency: Urgency = Urgency.WEBHOOK
    label: str | None = None
    vendor_id: str | None = None
    forced: bool = False
    again: bool = False

    @property
    def digest(self) -> bytes | None:
        """What tells other content of the same time apart."""
        return digest(self.content) if self.content is not None else None


@dataclass(frozen=True, slots=True)
class Due:
    """A record that is due, and how urgently."""

    tenant: str
    kind: Kind
    bill_id: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Record:
    """A row as read. ``body`` is what we last wrote to Visma, ``content`` BILL's JSON text.

    ``lost_claims`` is how many workers ended on it without a word since a try of it last had an end.
    """

    tenant: str
    kind: Kind
    bill_id: str
    state: str
    reason: str | None
    detail: str | None
    label: str | None
    vendor_id: str | None
    bill_updated_at: datetime | None
    synced_version: datetime | None
    synced_at: datetime | None
    content: bytes | None
    content_at: datetime | None
    content_whole: bool
    stale: bool
    attempts: int
    next_attempt_at: datetime | None
    intention: dict[str, Any] | None
    visma_type: str | None
    visma_number: str | None
    visma_etag: str | None
    body: dict[str, Any] | None
    urgency: Urgency
    wanted: int
    done: int
    claim_token: UUID | None = field(repr=False)
    lost_claims: int = 0

    @property
    def key(self) -> dict[str, str]:
        """The primary key as statement parameters."""
        return {"tenant": self.tenant, "kind": self.kind, "bill_id": self.bill_id}

    @property
    def is_linked(self) -> bool:
        """Whether Visma has a document or supplier for this record, as far as we know."""
        return self.visma_number is not None


@dataclass(frozen=True, slots=True)
class Finish:
    """What a worker found out: the row's new state and what Visma has now.

    ``unanswered`` says that a write of ours without an answer was not looked for: its intention stands.
    """

    state: str
    reason: str | None = None
    detail: str | None = None
    visma_type: str | None = None
    visma_number: str | None = None
    visma_etag: str | None = None
    body: dict[str, Any] | None = None
    version: datetime | None = None
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class Parking:
    """Why and how long a row is given back.

    ``counts`` says whether the try was an attempt; ``dispatched`` that its next task is on its way;
    ``nothing_ran`` that an announced write surely did not happen, so that its intention is void.
    """

    delay_s: float
    detail: str
    reason: str | None = None
    counts: bool = True
    dispatched: bool = False
    nothing_ran: bool = False


def digest(content: bytes) -> bytes:
    """A digest of BILL's JSON whatever the order of its keys."""
    value = jsontext.loads(content)
    return hashlib.sha256(jsontext.dumps(_sorted(value)).encode()).digest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
