"""A record's row as most sync tests start from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.store.records import Record, Urgency

_ROW = Record(
    tenant="acme",
    kind="bill",
    bill_id="00n1",
    state="pending",
    reason=None,
    detail=None,
    label=None,
    vendor_id="0091",
    bill_updated_at=None,
    synced_version=None,
    synced_at=None,
    content=None,
    content_at=None,
    content_whole=False,
    stale=True,
    attempts=1,
    next_attempt_at=None,
    intention=None,
    visma_type=None,
    visma_number=None,
    visma_etag=None,
    body=None,
    urgency=Urgency.WEBHOOK,
    wanted=1,
    done=0,
    claim_token=None,
)


def record(**changes: Any) -> Record:
    """A bill's row that was heard of and not read yet."""
    return replace(_ROW, **changes)
