"""The one ETag loop, and the one way an unanswered create is cleared up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from shared.errors import ConnectorError, OutcomeUnknown, PreconditionFailed, Refused, Retryable
from shared.visma.models import Written
from workers.sync.intention import Intention
from workers.sync.work import Work

CONFLICT_TRIES = 4
CONFLICT_WAIT_S = 2.0
LOOK_BACK = timedelta(hours=26)
"""How far before the sending a look-up asks: Visma's times are local and have no zone."""


class Document(Protocol):
    """What Visma shows with an ETag."""

    @property
    def etag(self) -> str: ...


D = TypeVar("D", bound=Document)
P = TypeVar("P")


def write_with_etag(
    work: Work,
    fetch: Callable[[], D],
    plan: Callable[[D], P | None],
    write: Callable[[P, str], Written],
    *,
    body: Callable[[D], dict[str, Any]],
    before: Callable[[D], dict[str, Any] | None] = lambda _: None,
    number: str | None = None,
) -> tuple[D, P | None, str]:
    """Fetch, plan, write with If-Match; on 412 fetch and plan again, a few times.

    ``plan`` returns None when Visma already shows what it should. Returns the document as fetched, the
    plan that was written, and the ETag afterwards. ``body`` is what the record will hold as last written to
    the document: announced before the write, so that a run after a lost answer knows what may be there.
    ``before`` is what it shows of ours by now, where that is not what the record holds; ``number`` is the
    document's where it is not the record's own yet.
    """
    for _ in range(CONFLICT_TRIES):
        actual = fetch()
        planned = plan(actual)
        if planned is None:
            ensure_nothing_runs(work, actual)
            return actual, None, actual.etag
        work.take_turn()
        sent = update_of(work, body(actual), etag=actual.etag, before=before(actual))
        work.announce(replace(sent, number=number))
        try:
            with work.in_doubt():
                written = write(planned, actual.etag)
        except PreconditionFailed:
            continue
        return actual, planned, written.etag or ""
    raise Retryable("Visma's record changes faster than we can write it", retry_after_s=CONFLICT_WAIT_S)


def ensure_nothing_runs(work: Work, actual: Document) -> None:
    """An update without an answer must not land after it was found needless: BILL took the change back.

    While the document's ETag is the one it was sent with, Visma may still be working on it; any write in
    between would make it fail there. Raises Retryable, uncounted, until Visma's cap on a request.
    """
    if work.sent is not None and actual.etag == (work.sent.etag or work.record.visma_etag):
        ensure_over(work, work.sent, "an update")


def ensure_over(work: Work, sent: Intention, what: str) -> None:
    """Raises Retryable, uncounted, while Visma may still be working on what was sent."""
    now, cap_s = work.clock(), work.tenant.limits.visma_request_cap_s
    if not sent.may_send_again(now, cap_s=cap_s):
        wait_s = sent.next_look_up_s(now, cap_s=cap_s)
        raise Retryable(f"{what} has no answer and may still arrive", retry_after_s=wait_s, counts=False)


def update_of(
    work: Work, body: dict[str, Any], *, etag: str | None, before: dict[str, Any] | None = None
) -> Intention:
    """The intention of an update of the record's own document."""
    visma_type = str(work.record.visma_type)
    return Intention(visma_type, work.clock(), body, is_update=True, etag=etag, before=before)


def create(
    work: Work, intention: Intention, post: Callable[[], Written], find: Callable[[], Sequence[D]]
) -> tuple[str, str | None]:
    """Announce and send a create; the new number and ETag. The turn is taken before.

    Raises OutcomeUnknown when the answer is lost: the intention then stands. It does, too, where Visma
    refused by a server error what ``find`` then shows: the error came after the effect.
    """
    work.announce(intention)
    try:
        written = post()
    except Refused as error:
        if error.sure or not _may_be_there(find):
            raise
        raise OutcomeUnknown(f"{error}; it was made all the same") from error
    if written.number is None:
        raise OutcomeUnknown("Visma answered a create without the new number")
    return written.number, written.etag


def _may_be_there(find: Callable[[], Sequence[D]]) -> bool:
    """Whether a refused create shows; Visma has answered, so one look tells, if it succeeds."""
    try:
        return bool(find())
    except ConnectorError:
        return True


def find_created(work: Work, intention: Intention, find: Callable[[], Sequence[D]]) -> Sequence[D]:
    """What an unanswered create made; empty when it made nothing and never will.

    Raises OutcomeUnknown while the first request may still be running at Visma.
    """
    found = find()
    cap_s = work.tenant.limits.visma_request_cap_s
    if found or intention.may_send_again(work.clock(), cap_s=cap_s):
        work.unanswered = len(found) > 1  # then a person has to choose first
        return found
    raise OutcomeUnknown(
        f"the create sent at {intention.sent_at:%H:%M:%S} UTC has no answer and is not in Visma yet: "
        "looking again before it is sent once more"
    )


def take_over(work: Work, visma_type: str, number: str, etag: str) -> None:
    """A create without an answer did happen: from here on the document is the record's own."""
    if work.intention is None:
        raise ValueError("there is no create to take over")
    work.record = replace(
        work.record,
        visma_type=visma_type,
        visma_number=number,
        visma_etag=etag,
        body=work.intention.body,
    )


def look_back_from(intention: Intention) -> str:
    """Since when to look for what the intention may have made, as Visma's filters want it."""
    return f"{intention.sent_at - LOOK_BACK:%Y-%m-%dT%H:%M:%S}"
