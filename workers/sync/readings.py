"""What a document shows of ours before a write, where an update of ours may or may not have happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.visma.models import SupplierInvoice
from workers.sync.befores import read_body_before
from workers.sync.bodies import merged_body, written_body
from workers.sync.work import Work


def bodies_before(work: Work, actual: SupplierInvoice) -> list[dict[str, Any]]:
    """What we wrote last, the likeliest first: an update without an answer may have happened."""
    kept = work.kept_body
    if work.sent_body is None:
        return [kept]
    readings = read_body_before(written_body(kept), written_body(work.sent_body), actual)
    return [merged_body(kept, reading) for reading in readings]


def body_before(work: Work, actual: SupplierInvoice) -> dict[str, Any] | None:
    """The likeliest where an update has no answer; None where the row knows."""
    return bodies_before(work, actual)[0] if work.sent else None


def keep_reading(work: Work, actual: SupplierInvoice) -> None:
    """From here on the row's body is what is there, be it of an update that has no answer."""
    work.record = replace(work.record, body=bodies_before(work, actual)[0])
    work.unanswered = False
