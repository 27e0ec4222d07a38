"""A BILL webhook notification, read from the raw body: a hint that a vendor or a bill changed.

The same reading serves the ingress, which refuses what BILL could not have sent, and the drain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared import jsontext
from shared.bill.models import Kind

KINDS: Final[tuple[Kind, ...]] = ("vendor", "bill")
HANDLED_EVENT_TYPES: Final = tuple(
    f"{kind}.{verb}" for kind in KINDS for verb in ("created", "updated", "archived", "restored")
)
"""The event types to subscribe to: all that concern vendors and bills (BILL reference: events)."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification of any event type; ``content`` is the whole body."""

    event_id: str
    event_type: str
    organization_id: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BillEvent:
    """A notification about a vendor or a bill.

    ``entity`` is BILL's record as sent: nearly whole for a vendor, without lines and approval status
    for a bill. ``updated_at`` is the record's ``updatedTime``, the only order among events; None where
    BILL left it out or it cannot be read.
    """

    event_id: str
    event_type: str
    kind: Kind
    bill_id: str
    organization_id: str
    updated_at: datetime | None
    entity: Mapping[str, Any]


def is_handled(event_type: str) -> bool:
    """Whether events of this type concern the sync."""
    return event_type in HANDLED_EVENT_TYPES


def parse_event(body: bytes) -> BillEvent:
    """The event in a raw body. Raises ValueError with a plain reason that quotes nothing of the body."""
    return to_event(parse_notification(body))


def parse_notification(body: bytes) -> Notification:
    """The notification in a raw body, of whatever type; unwraps a JSON string that holds JSON.

    Raises ValueError with a plain reason.
    """
    content = _load(body)
    if isinstance(content, str):
        content = _load(content.encode("utf-8"))
    if not isinstance(content, dict):
        raise ValueError("the body is not a JSON object")
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        raise ValueError("metadata is missing")
    return Notification(
        _matching(_ID, metadata, "eventId"),
        _matching(_EVENT_TYPE, metadata, "eventType"),
        _matching(_ID, metadata, "organizationId"),
        content,
    )


def to_event(notification: Notification) -> BillEvent:
    """The event of a handled notification. Raises ValueError where it holds no vendor or bill with an id.

    The kind is that of the entity present: BILL's samples of archived and restored records carry the
    event type of another (BILL reference: notification).
    """
    if not is_handled(notification.event_type):
        raise ValueError("the event type is not handled")
    present: list[Kind] = [kind for kind in KINDS if isinstance(notification.content.get(kind), dict)]
    if len(present) != 1:
        raise ValueError("there is not exactly one vendor or bill")
    entity = notification.content[present[0]]
    return BillEvent(
        notification.event_id,
        notification.event_type,
        present[0],
        _matching(_ID, entity, "id"),
        notification.organization_id,
        _read_time(entity.get("updatedTime")),
        entity,
    )


def _load(text: bytes) -> Any:
    try:
        return jsontext.loads(text)
    except (ValueError, ArithmeticError):
        raise ValueError("the body is not JSON") from None


def _matching(pattern: re.Pattern[str], holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{name} is missing or of a form BILL does not use")
    return value


def _read_time(value: object) -> datetime | None:
    """A BILL time in UTC; one without an offset counts as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
