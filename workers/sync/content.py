"""What BILL has of a record: kept from an event or a list, or read anew where that is not enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared import jsontext
from shared.bill.models import Bill, Row, Vendor
from shared.bill.schemas import parse_bill, parse_vendor
from shared.errors import Ignored, NeedsPerson, NotFound, Retryable
from shared.store import records
from shared.store.records import Record
from workers.sync.work import Work

CLOCKS_DIFFER = timedelta(minutes=5)
OLDER_ANSWER_TRIES = 4
OLDER_ANSWER_WAIT_S = 2.0
NOT_IN_BILL = "BILL does not know it"


def read_vendor(work: Work) -> Vendor:
    """The vendor's newest version; a notification's, or BILL's own answer."""
    body, whole = _read(work)
    return parse_vendor(body, whole=whole)


def read_bill(work: Work) -> Bill:
    """The bill's newest version, whole: a notification has neither lines nor approval status."""
    body, _ = _read(work)
    return parse_bill(body)


def find_kept_vendor(record: Record) -> Vendor | None:
    """The vendor as last kept in its row, without a call."""
    if record.content is None:
        return None
    return parse_vendor(jsontext.loads(record.content), whole=record.content_whole)


def describe(row: Row) -> tuple[str, str | None]:
    """The name people know a record by, and for a bill its vendor's id."""
    if row.kind == "vendor":
        return str(row.body.get("name") or ""), None
    invoice = row.body.get("invoice")
    number = invoice.get("invoiceNumber") if isinstance(invoice, Mapping) else None
    vendor_id = row.body.get("vendorId")
    return str(number or ""), str(vendor_id) if vendor_id else None


def not_in_future(updated_at: datetime | None, now: datetime) -> datetime | None:
    """A record's time, or now where BILL's lies in the future: else no later change would be newer."""
    return min(updated_at, now) if updated_at is not None and updated_at > now + CLOCKS_DIFFER else updated_at


def _read(work: Work) -> tuple[Mapping[str, Any], bool]:
    record = work.record
    if record.content is not None and not record.stale:
        return jsontext.loads(record.content), record.content_whole
    row = _fetch(work)
    _refuse_older(record, row)
    label, vendor_id = describe(row)
    with work.conn() as conn:
        records.keep_content(
            conn,
            record,
            jsontext.dumps(row.body).encode(),
            not_in_future(row.updated_at, work.clock()),
            label=label,
            vendor_id=vendor_id,
        )
    return row.body, True


def _fetch(work: Work) -> Row:
    """The record as BILL has it. Raises NeedsPerson or Ignored when BILL does not know it."""
    record = work.record
    try:
        return work.bill.fetch(record.kind, record.bill_id)
    except NotFound:
        if record.is_linked:
            raise NeedsPerson(
                "not_in_bill",
                f"BILL does not know the {record.kind} any more, but Visma has it as {record.visma_number}: "
                "look into BILL, and correct it in Visma by hand",
            ) from None
        raise Ignored(NOT_IN_BILL) from None


def _refuse_older(record: Record, row: Row) -> None:
    """An answer older than what was heard: BILL is not there yet. After a few tries it is taken as it is."""
    heard = record.bill_updated_at
    if heard is None or row.updated_at is None or row.updated_at >= heard:
        return
    if record.attempts <= OLDER_ANSWER_TRIES:
        raise Retryable(
            f"BILL still shows the version of {row.updated_at.isoformat()}, older than the event's",
            retry_after_s=OLDER_ANSWER_WAIT_S,
        )
