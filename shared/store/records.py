"""The records table: one vendor or bill of one tenant, and who works on it.

Making a row due counts (``wanted``); finishing notes how far the count was served (``done``). What is
heard while a row is worked on is therefore never lost. All writes of a worker carry its claim's token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.errors import ClaimLost
from shared.store.page_rows import leave_out_unchanged
from shared.store.pool import Conn, jsonb
from shared.store.queries import load_queries
from shared.store.record_models import Due, Finish, Heard, Parking, Record, Urgency, digest

__all__ = [
    "Due", "Finish", "Heard", "Parking", "Record", "Urgency", "bury", "claim", "count_by_state",
    "exists", "extend", "find", "find_linked_vendors", "find_releasable", "find_tenants_with_work",
    "find_unlike", "finish", "follow_etag", "free_bills", "has_bills", "keep_content", "list_records",
    "list_waiting", "lock", "make_due", "measure_lag", "move_bills", "notify", "park", "record_of",
    "rejudge_all", "rejudge_held", "revive_changed", "take_due", "undispatch", "unlink", "wake",
]  # fmt: skip

SQL = load_queries("records")
CLAIM_S = 60
"""How long a claim lasts: longer than a place at BILL (40 s), which outlives a call (25 s)."""


def make_due(conn: Conn, tenant: str, heard: Iterable[Heard]) -> list[Due]:
    """Note what was heard and return the records that are now due and not yet dispatched."""
    due: list[Due] = []
    in_order = sorted(heard, key=lambda one: (one.kind != "vendor", one.bill_id))  # never lock crosswise
    rows = leave_out_unchanged(conn, tenant, [_heard_row(tenant, one) for one in in_order])
    with conn.transaction(), conn.pipeline():
        cursors = [conn.execute(SQL["make_due"], row) for row in rows]
        for cursor in cursors:
            row = cursor.fetchone()
            if row is not None and row["is_due"]:
                due.append(Due(tenant, row["kind"], row["bill_id"], Urgency(row["urgency"])))
    return due


def _heard_row(tenant: str, heard: Heard) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "kind": heard.kind,
        "bill_id": heard.bill_id,
        "updated_at": heard.updated_at,
        "content": heard.content,
        "digest": heard.digest,
        "whole": heard.whole and heard.content is not None,
        "urgency": int(heard.urgency),
        "label": heard.label,
        "vendor_id": heard.vendor_id,
        "forced": heard.forced or heard.again,
        "again": heard.again,
    }


def claim(conn: Conn, due: Due) -> Record | None:
    """Take the row for ``CLAIM_S`` seconds; None when it is not due, parked, or someone else's."""
    row = conn.execute(SQL["claim"], {**_key(due), "claim_s": CLAIM_S}).fetchone()
    return record_of(row) if row else None


def extend(conn: Conn, record: Record, intention: dict[str, Any] | None) -> None:
    """Hold the row past the next call's deadline and note what is about to be sent.

    Raises ClaimLost when the claim ran out: then nothing may be written to Visma any more.
    """
    found = conn.execute(
        SQL["extend"],
        {
            **_claimed(record),
            "claim_s": CLAIM_S,
            "intention": jsonb(intention) if intention is not None else None,
            "visma_type": record.visma_type,
            "visma_number": record.visma_number,
            "visma_etag": record.visma_etag,
            "body": jsonb(record.body) if record.body is not None else None,
        },
    )
    if found.rowcount != 1:
        raise ClaimLost


def keep_content(
    conn: Conn,
    record: Record,
    content: bytes,
    updated_at: datetime | None,
    *,
    label: str,
    vendor_id: str | None,
) -> None:
    """Keep what BILL just answered, so that a later judgement needs no further read."""
    found = conn.execute(
        SQL["keep_content"],
        {
            **_claimed(record),
            "content": content,
            "digest": digest(content),
            "updated_at": updated_at,
            "label": label,
            "vendor_id": vendor_id,
        },
    )
    if found.rowcount != 1:
        raise ClaimLost


def finish(conn: Conn, record: Record, outcome: Finish) -> bool:
    """End the work on a row; True when something was heard meanwhile and it is due again.

    Raises ClaimLost when the row is another worker's now.
    """
    row = conn.execute(
        SQL["finish"],
        {
            **_claimed(record),
            "state": outcome.state,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "visma_type": outcome.visma_type,
            "visma_number": outcome.visma_number,
            "visma_etag": outcome.visma_etag,
            "body": jsonb(outcome.body) if outcome.body is not None else None,
            "version": outcome.version,
            "unanswered": outcome.unanswered,
        },
    ).fetchone()
    if row is None:
        raise ClaimLost
    return bool(row["still_due"])


def park(conn: Conn, record: Record, parking: Parking) -> None:
    """Give the row back for later; a lost claim is left as it is."""
    conn.execute(
        SQL["park"],
        {
            **_claimed(record),
            "delay_s": parking.delay_s,
            "reason": parking.reason,
            "detail": parking.detail,
            "uncounted": not parking.counts,
            "dispatched": parking.dispatched,
            "sure": parking.nothing_ran,
        },
    )


def bury(conn: Conn, record: Record, detail: str, *, nothing_ran: bool) -> int | None:
    """Mark the row dead and return its attempts; None when the claim is lost."""
    values = {**_claimed(record), "detail": detail, "nothing_ran": nothing_ran}
    row = conn.execute(SQL["bury"], values).fetchone()
    return row["attempts"] if row else None


def unlink(conn: Conn, record: Record) -> None:
    """Note that the record's document is gone from Visma. Raises ClaimLost when the row is not ours."""
    if conn.execute(SQL["unlink"], _claimed(record)).rowcount != 1:
        raise ClaimLost


def find(conn: Conn, tenant: str, kind: Kind, bill_id: str, *, lock: bool = False) -> Record | None:
    """The row, or None. ``lock`` keeps others from finishing it until the transaction ends."""
    row = conn.execute(
        SQL["get_locked" if lock else "get"], {"tenant": tenant, "kind": kind, "bill_id": bill_id}
    ).fetchone()
    return record_of(row) if row else None


def wake(conn: Conn, tenant: str, reason: str) -> list[Due]:
    """Make due what was parked under ``reason``."""
    return [_due(tenant, row) for row in conn.execute(SQL["wake"], {"tenant": tenant, "reason": reason})]


def wake_all(conn: Conn, tenant: str) -> None:
    """Make due now all that has work left: its credentials were set, or it was resumed."""
    conn.execute(SQL["wake_all"], {"tenant": tenant})


def free_bills(conn: Conn, tenant: str, vendor_id: str, *, synced: bool) -> list[Due]:
    """Make due the bills that waited for this vendor; those held with it only when it is ``synced``."""
    rows = conn.execute(SQL["free_bills"], {"tenant": tenant, "vendor_id": vendor_id, "synced": synced})
    return [_due(tenant, row) for row in rows]


def move_bills(conn: Conn, tenant: str, vendor_id: str) -> list[Due]:
    """Make due the bills of this vendor that are in Visma, since it has another supplier now."""
    rows = conn.execute(SQL["move_bills"], {"tenant": tenant, "vendor_id": vendor_id})
    return [_due(tenant, row) for row in rows]


def rejudge_held(
    conn: Conn, tenant: str, *, older_s: float, reasons: Sequence[str] | None = None
) -> list[Due]:
    """Make due the held records last judged more than ``older_s`` seconds ago, of all reasons or of these."""
    return _rejudge(conn, tenant, ["held"], older_s, reasons)


def rejudge_all(conn: Conn, tenant: str) -> list[Due]:
    """Make due whatever new settings may judge otherwise: held, waiting, ignored, and dead records.

    A dead record whose letter was discarded is left alone.
    """
    judged = _rejudge(conn, tenant, ["held", "waiting", "ignored"], 0)
    return judged + [_due(tenant, row) for row in conn.execute(SQL["revive"], {"tenant": tenant})]


def revive_changed(conn: Conn, tenant: str, kind: Kind, bill_id: str, version: datetime | None) -> list[Due]:
    """Make a dead record due if BILL has a newer version than the one that died (None: not known)."""
    values = {"tenant": tenant, "kind": kind, "bill_id": bill_id, "version": version}
    return [_due(tenant, row) for row in conn.execute(SQL["revive_changed"], values)]


def lock(conn: Conn, tenant: str, kind: Kind, bill_id: str) -> None:
    """Hold the row until the transaction ends, before its dead letters are settled."""
    conn.execute(SQL["lock"], {"tenant": tenant, "kind": kind, "bill_id": bill_id})


def _rejudge(
    conn: Conn, tenant: str, states: list[str], older_s: float, reasons: Sequence[str] | None = None
) -> list[Due]:
    listed = list(reasons) if reasons is not None else None
    values = {"tenant": tenant, "states": states, "older_s": older_s, "reasons": listed}
    return [_due(tenant, row) for row in conn.execute(SQL["rejudge"], values)]


def take_due(conn: Conn, tenant: str, *, most: int, again_s: float) -> list[Due]:
    """The tenant's next due records in their order, marked as dispatched.

    At most ``most`` are on their way at a time; one dispatched ``again_s`` seconds ago and still due has
    lost its message.
    """
    rows = conn.execute(SQL["take_due"], {"tenant": tenant, "most": most, "again_s": again_s}).fetchall()
    return [_due(tenant, row) for row in sorted(rows, key=lambda row: row["turn"])]


def find_tenants_with_work(conn: Conn) -> list[str]:
    """Active tenants that have something due, in no order."""
    return [row["id"] for row in conn.execute(SQL["tenants_with_work"])]


def undispatch(conn: Conn, due: Due) -> None:
    """Let the record be dispatched again at once."""
    conn.execute(SQL["undispatch"], _key(due))


def notify(conn: Conn, tenant: str) -> None:
    """Tell whoever listens on ``connector_records`` that a record of this tenant was settled."""
    conn.execute(SQL["notify"], {"tenant": tenant})


def exists(conn: Conn, tenant: str, kind: Kind, bill_id: str) -> bool:
    """Whether BILL's record of this id is known here."""
    row = conn.execute(SQL["exists"], {"tenant": tenant, "kind": kind, "bill_id": bill_id}).fetchone()
    return bool(row and row["found"])


def has_bills(conn: Conn, tenant: str, vendor_id: str) -> bool:
    """Whether a bill that is not ignored is this vendor's."""
    row = conn.execute(SQL["has_bills"], {"tenant": tenant, "vendor_id": vendor_id}).fetchone()
    return bool(row and row["found"])


def list_waiting(conn: Conn, tenant: str) -> list[str]:
    """Ids of the bills that wait for an approval in BILL."""
    return [row["bill_id"] for row in conn.execute(SQL["waiting"], {"tenant": tenant})]


def find_unlike(conn: Conn, tenant: str, since: datetime) -> list[str]:
    """Synced bills whose document, seen since then, shows another amount, or is one of two."""
    return [row["bill_id"] for row in conn.execute(SQL["find_unlike"], {"tenant": tenant, "since": since})]


def find_releasable(conn: Conn, tenant: str) -> list[str]:
    """Synced bills whose document is ours and not released."""
    return [row["bill_id"] for row in conn.execute(SQL["find_releasable"], {"tenant": tenant})]


def follow_etag(
    conn: Conn, tenant: str, bill_id: str, document: tuple[str, str], *, old: str, new: str
) -> None:
    """Note that a write of ours beside the record moved its document's ETag from ``old`` to ``new``."""
    visma_type, visma_number = document
    values = {"visma_type": visma_type, "visma_number": visma_number, "old": old, "new": new}
    conn.execute(SQL["follow_etag"], {"tenant": tenant, "bill_id": bill_id, **values})


def list_records(
    conn: Conn, tenant: str, *, kind: Kind | None = None, state: str | None = None
) -> list[Record]:
    """A tenant's records, vendors first."""
    rows = conn.execute(SQL["list"], {"tenant": tenant, "kind": kind, "state": state})
    return [record_of(row) for row in rows]


def find_linked_vendors(conn: Conn, tenant: str, supplier_numbers: Sequence[str]) -> dict[str, str]:
    """Which of these suppliers are linked, and to which vendor, by record or by hand."""
    rows = conn.execute(SQL["linked_vendors"], {"tenant": tenant, "numbers": list(supplier_numbers)})
    return {row["visma_number"]: row["bill_id"] for row in rows}


def count_by_state(conn: Conn, tenant: str | None = None) -> list[DictRow]:
    """Rows of tenant, kind, state and count."""
    return conn.execute(SQL["count"], {"tenant": tenant}).fetchall()


def measure_lag(conn: Conn) -> list[DictRow]:
    """Rows of tenant, kind and the seconds their oldest due record has waited."""
    return conn.execute(SQL["lag"]).fetchall()


def _key(due: Due) -> dict[str, Any]:
    return {"tenant": due.tenant, "kind": due.kind, "bill_id": due.bill_id}


def _claimed(record: Record) -> dict[str, Any]:
    return {**record.key, "token": record.claim_token}


def _due(tenant: str, row: DictRow) -> Due:
    return Due(tenant, row["kind"], row["bill_id"], Urgency(row["urgency"]))


def record_of(row: DictRow) -> Record:
    """A row as a record."""
    values = {name: row[name] for name in Record.__slots__ if name in row}
    return Record(**{**values, "urgency": Urgency(row["urgency"])})
