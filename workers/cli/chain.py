"""The way of one record from BILL to Visma, step by step: how far it came, and where it stopped and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from psycopg.rows import DictRow

from shared import jsontext
from shared.bill.models import Bill
from shared.bill.schemas import parse_bill
from shared.errors import Permanent
from shared.store import dead_letters, events, records
from shared.store.pool import Conn
from shared.store.records import Record
from shared.store.watermarks import find_watermark
from workers.cli.output import shown_time
from workers.sync.content import find_kept_vendor

StepState = Literal["passed", "stopped", "not_reached"]

BILL, HEARD, JUDGED, VENDOR, MAPPED, SENT, VISMA = (
    "BILL", "heard of", "judged", "vendor", "mapped", "sent", "Visma",
)  # fmt: skip
_OF_BILL: Final = (BILL, HEARD, JUDGED, VENDOR, MAPPED, SENT, VISMA)
_OF_VENDOR: Final = (BILL, HEARD, JUDGED, MAPPED, SENT, VISMA)

_HELD_AT: Final[Mapping[str, str]] = {
    "not_in_bill": BILL,
    "zero_amount": JUDGED,
    "archived_paid": JUDGED,
    "vendor_held": VENDOR,
    "vendor_first": VENDOR,
    "walk_first": SENT,
    "credentials_first": BILL,
    "attachments_first": VISMA,
    **dict.fromkeys(("duplicate_reference", "doubled", "adopted_changed", "edited_in_visma"), VISMA),
    **dict.fromkeys(("invoice_released", "amount_mismatch"), VISMA),
}
"""Where a held or waiting record stands; every other reason is one of the mapping or matching."""

_WRITES: Final = frozenset({"created", "updated", "linked", "adopted", "released", "deleted"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step and what is known of it; ``at`` is when it happened."""

    step: str
    state: StepState
    what: str
    at: datetime | None = None


def follow_record(conn: Conn, record: Record, history: Sequence[DictRow], in_visma: str | None) -> list[Step]:
    """Every step of the record's way; what comes after the one where it stopped is not reached."""
    told: dict[str, tuple[str, datetime | None]] = {
        BILL: (_tell_content(record), record.bill_updated_at),
        HEARD: _tell_heard(conn, record),
        JUDGED: ("it is to be carried over", None),
        VENDOR: (_tell_vendor(conn, record), None),
        MAPPED: (_tell_mapped(record), None),
        SENT: _tell_sent(record, history),
        VISMA: (in_visma or "as we wrote it, not listed by Visma since", None),
    }
    names = _OF_BILL if record.kind == "bill" else _OF_VENDOR
    end = _find_end(record)
    return [_step(name, told[name], names, end, lambda: _tell_end(conn, record)) for name in names]


def _step(
    name: str,
    told: tuple[str, datetime | None],
    names: Sequence[str],
    end: str | None,
    tell_end: Callable[[], str],
) -> Step:
    if end is None or names.index(name) < names.index(end):
        return Step(name, "passed", *told)
    if name != end:
        return Step(name, "not_reached", "not reached")
    kept = f"{told[0]}: " if name in {BILL, VENDOR} else ""
    return Step(name, "stopped", kept + tell_end(), told[1])


def _find_end(record: Record) -> str | None:
    """The step at which the record stands; None when it went all the way."""
    if record.state == "synced":
        return None
    if record.state in {"ignored", "waiting"}:
        return JUDGED
    if record.content is None:
        return BILL
    if record.reason is None:
        return SENT
    found = _HELD_AT.get(record.reason, MAPPED)
    return MAPPED if found == VENDOR and record.kind == "vendor" else found


def _tell_end(conn: Conn, record: Record) -> str:
    why = record.detail or record.reason or "nobody has worked on it yet"
    if record.state == "pending":
        again = f", tried again at {shown_time(record.next_attempt_at)}" if record.next_attempt_at else ""
        return f"waits: {why}{again}"
    if record.state == "dead":
        letters = dead_letters.list_letters(conn, record.tenant, state="open")
        own = [one["id"] for one in letters if (one["kind"], one["bill_id"]) == (record.kind, record.bill_id)]
        return f"failed for good: {why}" + (f", see dead letter {own[-1]}" if own else "")
    return why


def _tell_content(record: Record) -> str:
    if record.content is None:
        return "not read yet"
    if record.kind == "vendor":
        vendor = find_kept_vendor(record)
        archived = "archived" if vendor and vendor.archived else None
        told = [vendor.name, vendor.address.country, vendor.tax_id, archived] if vendor else []
    else:
        try:
            told = _tell_bill(parse_bill(jsontext.loads(record.content)))
        except Permanent as error:
            told = [f"cannot be used: {error}"]
    return ", ".join(text for text in told if text)


def _tell_bill(bill: Bill) -> list[str | None]:
    lines = "1 line" if len(bill.lines) == 1 else f"{len(bill.lines)} lines"
    return [
        bill.invoice_number or "no invoice number",
        f"dated {bill.invoice_date}" if bill.invoice_date else "no invoice date",
        f"amount {_money(bill.amount)}",
        lines,
        f"approval {bill.approval_status or 'none'}",
        "archived" if bill.archived else None,
    ]


def _money(amount: Decimal) -> str:
    """An amount with the two decimals that people expect, or more where there are more."""
    return f"{amount:.2f}" if amount == round(amount, 2) else f"{amount:f}"


def _tell_heard(conn: Conn, record: Record) -> tuple[str, datetime | None]:
    event = events.find_last(conn, record.tenant, record.kind, record.bill_id)
    if event is not None:
        return f"by BILL's notification {event['event_type']}", event["received_at"]
    poll = find_watermark(conn, record.tenant, "bill", record.kind) or {}
    return f"by reading BILL's list of {record.kind}s", poll.get("last_complete_at")


def _tell_vendor(conn: Conn, record: Record) -> str:
    if record.kind == "vendor" or record.vendor_id is None:
        return "not known yet"
    vendor = records.find(conn, record.tenant, "vendor", record.vendor_id)
    if vendor is None:
        return f"vendor {record.vendor_id} is not known here"
    name = f"{vendor.label or 'vendor'} ({vendor.bill_id})"
    return f"{name} is supplier {vendor.visma_number}" if vendor.is_linked else f"{name} is {vendor.state}"


def _tell_mapped(record: Record) -> str:
    body = record.body or {}
    if record.kind == "vendor":
        return "to a supplier's fields"
    if "lines" not in body:
        return "a person's document was found"
    accounts = ", ".join(dict.fromkeys(str(line.get("accountNumber")) for line in body["lines"]))
    period = body["header"].get("financialPeriod")
    total = _money(Decimal(body["total"]))
    return f"{total} {body['currency']} on account {accounts}, period {period}"


def _tell_sent(record: Record, history: Sequence[DictRow]) -> tuple[str, datetime | None]:
    last = next((entry for entry in reversed(history) if entry["action"] in _WRITES), None)
    if last is None:
        return "nothing had to be", None
    number = " ".join(filter(None, (last["visma_type"], last["visma_number"])))
    return f"{last['action']} {number}, by {last['actor']}", last["at"]
