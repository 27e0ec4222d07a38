"""The intention of a write: what is about to be sent, stored before it is sent.

Visma has no idempotency key. While an intention stands, the POST may have happened, or may still be
running; so it is looked up at growing gaps, and sent again only after Visma's own cap on a request
and a last empty look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

LOOK_UPS_S = (2, 10, 30, 60, 120)
"""When after sending to look, in seconds; then once more at the cap."""


@dataclass(frozen=True, slots=True)
class Intention:
    """A write as announced: ``body`` is what the record will hold as last written.

    An unanswered update needs no look-up: the next read shows whether it happened. Its body is kept so
    that a further change in BILL is not mistaken for a person's edit in Visma. An unanswered removal may
    have happened, too, or happen while Visma still works on it; its body is what the document may show.
    """

    visma_type: str
    sent_at: datetime
    body: dict[str, Any]
    is_update: bool = False
    is_removal: bool = False
    etag: str | None = None
    """What an update was sent with: while Visma still shows it, the request may be under way."""
    before: dict[str, Any] | None = None
    """What Visma showed of ours before, where an update that had no answer had changed that."""
    number: str | None = None
    """Whose supplier an update was to make it, where the row has no link yet, or another."""

    def to_json(self) -> dict[str, Any]:
        """As the records table keeps it."""
        return {
            "visma_type": self.visma_type,
            "sent_at": self.sent_at.isoformat(),
            "body": self.body,
            "is_update": self.is_update,
            "is_removal": self.is_removal,
            "etag": self.etag,
            "before": self.before,
            "number": self.number,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Intention:
        """Read back from the records table."""
        return cls(
            visma_type=value["visma_type"],
            sent_at=datetime.fromisoformat(value["sent_at"]),
            body=value["body"],
            is_update=bool(value["is_update"]),
            is_removal=bool(value.get("is_removal")),
            etag=value.get("etag"),
            before=value.get("before"),
            number=value.get("number"),
        )

    def may_send_again(self, now: datetime, *, cap_s: float) -> bool:
        """Whether Visma can no longer be working on the first request."""
        return (now - self.sent_at).total_seconds() >= cap_s

    def next_look_up_s(self, now: datetime, *, cap_s: float) -> float:
        """Seconds from now to the next look-up of an unanswered create."""
        elapsed = (now - self.sent_at).total_seconds()
        later = [at for at in (*LOOK_UPS_S, cap_s) if elapsed < at <= cap_s]
        return (later[0] - elapsed) if later else 0.0
