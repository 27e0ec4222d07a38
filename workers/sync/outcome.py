"""What came of the work on one record: the row's new state, and what is told about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from shared.errors import NeedsPerson
from shared.fields import Change
from shared.store.records import Finish, Record
from shared.store.visma_index import Entry

Action = Literal[
    "created",
    "updated",
    "unchanged",
    "linked",
    "adopted",
    "released",
    "deleted",
    "ignored",
    "waiting",
    "held",
]
STATES: dict[Action, str] = {"deleted": "ignored", "ignored": "ignored", "waiting": "waiting", "held": "held"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one run. ``entries`` is what Visma has now, for the index; ``notes`` are for people."""

    action: Action
    finish: Finish
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def wrote(self) -> bool:
        """Whether Visma, or the link to it, was changed."""
        return self.action in {"created", "updated", "linked", "adopted", "released", "deleted"}


def settled(
    record: Record,
    action: Action,
    *,
    version: datetime | None,
    reason: str | None = None,
    detail: str | None = None,
) -> Outcome:
    """An outcome that leaves what the row knows of Visma as it is."""
    return Outcome(
        action,
        Finish(
            state=STATES.get(action, "synced"),
            reason=reason,
            detail=detail,
            visma_type=record.visma_type,
            visma_number=record.visma_number,
            visma_etag=record.visma_etag,
            body=record.body,
            version=version,
        ),
    )


def held(record: Record, error: NeedsPerson) -> Outcome:
    """The record waits for a person; the version is not served, so that a repeat of it is judged anew."""
    return settled(record, "held", version=None, reason=error.reason, detail=error.detail)


def written(
    record: Record,
    action: Action,
    *,
    version: datetime | None,
    body: dict[str, Any],
    etag: str | None,
    number: tuple[str, str] | None = None,
    changes: tuple[Change, ...] = (),
    notes: tuple[str, ...] = (),
    entries: tuple[Entry, ...] = (),
) -> Outcome:
    """Visma now has ``body``; ``number`` is (type, number) where the record had none before."""
    base = settled(record, action, version=version)
    visma_type, visma_number = number or (record.visma_type, record.visma_number)
    finish = replace(
        base.finish, visma_type=visma_type, visma_number=visma_number, visma_etag=etag, body=body
    )
    return Outcome(action, finish, changes, notes, entries)


def resolved(outcome: Outcome, entry: Entry) -> Outcome:
    """The outcome of a run that found the document of an unanswered create: it is told as created."""
    action = "created" if outcome.action == "unchanged" else outcome.action
    notes = (*outcome.notes, "the answer to the create was lost: resolved by look-up")
    return replace(outcome, action=action, notes=notes, entries=outcome.entries or (entry,))
