"""What a dry run tells of one record: what would be done, why, and field by field what would change. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from shared.bill.models import Kind
from shared.fields import Change, FieldValue, fields_from_json
from shared.visma.dry import DryWrite, is_new
from workers.sync.outcome import Outcome

PlanAction = Literal["create", "update", "delete", "none", "hold", "wait", "ignore"]

DEAD: Final = "dead"
_OF_STATE: Final[Mapping[str, PlanAction]] = {
    "synced": "none",
    "waiting": "wait",
    "pending": "wait",
    "held": "hold",
    "dead": "hold",
    "ignored": "ignore",
}
_CHANGE_KEYS: Final = ("field", "before", "after")
_WRITES: Final = frozenset({"create", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Line:
    """``reason`` is a stable code where the record would be held, else words or None.

    ``visma_number`` is the number that Visma has now; None for what is not there yet.
    """

    action: PlanAction
    reason: str | None = None
    visma_number: str | None = None
    changes: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``plan --json`` has it, without the record it is about."""
        return {
            "action": self.action,
            "reason": self.reason,
            "visma_number": self.visma_number,
            "changes": list(self.changes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Line:
        """Read back from the plan's table."""
        changes = tuple({key: change[key] for key in _CHANGE_KEYS} for change in value["changes"])
        return cls(value["action"], value["reason"], value["visma_number"], changes)

    @property
    def writes(self) -> bool:
        """Whether Visma would be changed."""
        return self.action in _WRITES


def line_of_state(state: str, reason: str | None, detail: str | None, number: str | None) -> Line:
    """The line of a record for which nothing would be written."""
    action = _OF_STATE[state]
    why = DEAD if state == "dead" else None if action == "none" else reason or detail
    return Line(action, why, None if is_new(number) else number)


def line_of_outcome(
    kind: Kind, outcome: Outcome, writes: Sequence[DryWrite], before: str | None
) -> Line | None:
    """The line of a run that would write, or has something to tell; None where the state says it all.

    ``before`` is the number that the record had before the run.
    """
    action = _find_action(outcome, writes)
    if action is None and not outcome.notes:
        return None
    number = before if action in {"create", "delete"} else outcome.finish.visma_number
    told = [outcome.finish.reason or outcome.finish.detail, *outcome.notes]
    if action == "create" and any(write.what == "delete" for write in writes):
        told.insert(0, f"{writes[0].visma_type} {writes[0].number} is deleted and created anew")
    reason = "; ".join(text for text in told if text) or None
    changes = _created(kind, outcome) if action == "create" else outcome.changes
    shown = tuple(change.to_json() for change in changes)
    return Line(action or "none", reason, None if is_new(number) else number, shown)


def follow(earlier: Line | None, later: Line) -> Line:
    """One line for two looks at one record: what the first would have written stays said."""
    if earlier is None or (not earlier.writes and later.action != "none"):
        return later
    if not later.writes:
        told = [earlier.reason, *(later.reason or "").split("; ")]
        return replace(earlier, reason="; ".join(dict.fromkeys(text for text in told if text)) or None)
    action = "create" if earlier.action == "create" else later.action
    return replace(later, action=action, changes=(*earlier.changes, *later.changes))


def _find_action(outcome: Outcome, writes: Sequence[DryWrite]) -> PlanAction | None:
    done = {write.what for write in writes}
    if "create" in done:
        return "create"
    if "delete" in done:
        return "delete"
    return "update" if done or outcome.action == "released" else None


def _created(kind: Kind, outcome: Outcome) -> list[Change]:
    """Every field of what would be created."""
    body = outcome.finish.body or {}
    if kind == "vendor":
        return _changes("", fields_from_json(body["fields"]))
    found = _changes("", fields_from_json(body["header"]))
    for number, line in enumerate(body["lines"], start=1):
        found += _changes(f"line {number} ", fields_from_json(line))
    return found


def _changes(prefix: str, fields: Mapping[str, FieldValue]) -> list[Change]:
    return [Change(f"{prefix}{name}", None, value) for name, value in fields.items()]
