"""A dead letter in plain words: what was tried, what came back, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from psycopg.rows import DictRow

from shared import errors, queues

_REPLAY = "then replay it."


@dataclass(frozen=True, slots=True)
class LetterWords:
    """``title`` in a list; ``call`` says what was asked of whom, ``next_step`` what a person does."""

    title: str
    call: str
    next_step: str


_NO_ANSWER = LetterWords(
    "No answer",
    "The other side was called again and again and gave no answer that could be used.",
    f"See on the page Tenants whether the system answers now (its circuit is closed), {_REPLAY}",
)
_BY_ERROR: Final[Mapping[str, LetterWords]] = {
    errors.Refused.__name__: LetterWords(
        "Refused by Visma",
        "Visma was asked to save the document, and refused. Nothing of it was written.",
        f"Remove the cause that Visma names, in Visma or in BILL, {_REPLAY}",
    ),
    errors.NotFound.__name__: LetterWords(
        "Not found",
        "A system was asked for something that it does not know.",
        f"Look into BILL and Visma whether it was deleted there, {_REPLAY}",
    ),
    errors.PoisonRecord.__name__: LetterWords(
        "Workers died",
        "Worker after worker ended while it worked on this record, so how far the call came is not known.",
        "Find in the workers' logs why they ended (memory?), then replay it: Visma is searched before "
        "anything is written again.",
    ),
    errors.OutcomeUnknown.__name__: LetterWords(
        "Answer lost",
        "A write was sent and its answer was lost: it may have happened.",
        "Replay it: Visma is searched for the document first, and nothing is written twice.",
    ),
    errors.CredentialsRefused.__name__: LetterWords(
        "Credentials refused",
        "The log-in was refused.",
        f"Set the credentials with `connector credentials set`, {_REPLAY}",
    ),
    errors.Permanent.__name__: LetterWords(
        "Cannot be carried over",
        "The work ended with an answer that a repeat cannot heal.",
        f"Correct in BILL or Visma what the answer names, {_REPLAY}",
    ),
    errors.Retryable.__name__: _NO_ANSWER,
    errors.Unavailable.__name__: _NO_ANSWER,
    errors.PreconditionFailed.__name__: LetterWords(
        "Edited meanwhile",
        "Every time it was to be saved, somebody had just changed it in Visma.",
        "Wait until nobody edits the document in Visma, then replay it.",
    ),
}
_UNFORESEEN = LetterWords(
    "Error in the connector",
    "The connector itself failed while it worked on the record.",
    "Report it with the traceback below, and replay it once the connector was mended.",
)
_UNREADABLE = LetterWords(
    "Unreadable webhook",
    "None: what BILL sent was never taken for a record.",
    "Compare the notification below with the vendor or bill in BILL. If a newer version of the connector "
    "reads it, replay it; else discard it: polls bring the record anyway.",
)


def describe_letter(letter: DictRow) -> LetterWords:
    """The words for a letter, by the class of its error."""
    if letter.get("raw") is not None or letter["task"] == queues.DRAIN_EVENTS:
        return _UNREADABLE
    return _BY_ERROR.get(letter["error_class"], _UNFORESEEN)


def title_of(error_class: str) -> str:
    """An error class as a filter shows it."""
    known = _BY_ERROR.get(error_class)
    if known is not None and known is not _NO_ANSWER:
        return known.title
    return f"{(known or _UNFORESEEN).title} ({error_class})"
