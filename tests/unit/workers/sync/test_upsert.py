from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from shared.clock import FakeClock
from shared.errors import (
    ClaimLost,
    OutcomeUnknown,
    PreconditionFailed,
    Refused,
    Retryable,
)
from shared.store.records import Record
from shared.visma.models import Written
from tests.support.tenants import tenant_config
from tests.unit.workers.sync.rows import record
from workers.sync.intention import Intention
from workers.sync.upsert import CONFLICT_TRIES, create, find_created, take_over, write_with_etag
from workers.sync.work import Work

pytestmark = pytest.mark.unit

SENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Document:
    """What Visma shows."""

    etag: str


@dataclass
class Doing:
    """Stands in for the work on a record: writes down what is done, in order."""

    record: Record = field(default_factory=lambda: record(visma_type="Invoice", visma_number="000357"))
    tenant: Any = field(default_factory=tenant_config)
    clock: FakeClock = field(default_factory=lambda: FakeClock(SENT))
    intention: Intention | None = None
    sent: Intention | None = None
    lost: bool = False
    done: list[str] = field(default_factory=list)

    unanswered: bool = False

    def in_doubt(self) -> AbstractContextManager[None]:
        return Work.in_doubt(cast("Work", self))

    def take_turn(self) -> None:
        self.done.append("turn")

    def announce(self, intention: Intention) -> None:
        if self.lost:
            raise ClaimLost
        self.done.append(f"announce {intention.body}")
        self.intention = intention

    @property
    def work(self) -> Work:
        """The same, as the code under test takes it."""
        return cast("Work", self)


def update(doing: Doing, conflicts: int, plan: str | None = "change") -> tuple[Document, str | None, str]:
    etags = iter(f"e{number}" for number in range(1, 99))

    def fetch() -> Document:
        doing.done.append("fetch")
        return Document(next(etags))

    def write(planned: str, etag: str) -> Written:
        doing.done.append(f"write {planned} at {etag}")
        if doing.done.count("fetch") <= conflicts:
            raise PreconditionFailed("412")
        return Written(None, etag + "+")

    return write_with_etag(doing.work, fetch, lambda _: plan, write, body=lambda _: {"a": 1})


def test_what_visma_shows_already_needs_no_turn_and_no_write() -> None:
    doing = Doing()
    assert update(doing, 0, plan=None) == (Document("e1"), None, "e1")
    assert doing.done == ["fetch"]


def test_a_write_is_announced_before_it_is_sent() -> None:
    doing = Doing()
    assert update(doing, 0) == (Document("e1"), "change", "e1+")
    assert doing.done == ["fetch", "turn", "announce {'a': 1}", "write change at e1"]


def test_without_the_claim_nothing_is_sent() -> None:
    doing = Doing(lost=True)
    with pytest.raises(ClaimLost):
        update(doing, 0)
    assert not any(step.startswith("write") for step in doing.done)


def test_each_conflict_is_looked_at_anew() -> None:
    doing = Doing()
    document, _, etag = update(doing, CONFLICT_TRIES - 1)
    assert (document.etag, etag) == (f"e{CONFLICT_TRIES}", f"e{CONFLICT_TRIES}+")
    assert [step for step in doing.done if step.startswith("write")] == [
        f"write change at e{number}" for number in range(1, CONFLICT_TRIES + 1)
    ]


@pytest.mark.parametrize("sure", [True, False])
def test_what_a_server_error_refused_may_be_there(sure: bool) -> None:
    def refuse(_: str, __: str) -> Written:
        raise Refused("VismaId: 1. Error", sure=sure)

    doing = Doing()
    with pytest.raises(Refused):
        write_with_etag(doing.work, lambda: Document("e1"), lambda _: "change", refuse, body=lambda _: {})
    assert doing.unanswered is not sure


def test_after_a_few_conflicts_it_is_tried_later() -> None:
    with pytest.raises(Retryable) as caught:
        update(Doing(), CONFLICT_TRIES)
    assert caught.value.retry_after_s is not None


INTENTION = Intention("Invoice", SENT, {"header": {}})


def test_a_create_without_a_number_in_its_answer_is_unknown() -> None:
    doing = Doing()
    assert create(doing.work, INTENTION, lambda: Written("000357", "e1"), nothing) == ("000357", "e1")
    with pytest.raises(OutcomeUnknown):
        create(doing.work, INTENTION, lambda: Written(None, None), nothing)


def nothing() -> list[Document]:
    """A look that finds nothing."""
    return []


def no_answer() -> list[Document]:
    """A look that fails."""
    raise Retryable("no answer")


@pytest.mark.parametrize(("sure", "find", "outcome"), [
    (True, lambda: [Document("e1")], Refused),
    (False, nothing, Refused),
    (False, lambda: [Document("e1")], OutcomeUnknown),
    (False, no_answer, OutcomeUnknown),
])  # fmt: skip
def test_a_refusal_by_a_server_error_is_believed_only_after_a_look(
    sure: bool, find: Callable[[], list[Document]], outcome: type[Exception]
) -> None:
    def refuse() -> Written:
        raise Refused("VismaId: 1. Error", sure=sure)

    with pytest.raises(outcome):
        create(Doing().work, INTENTION, refuse, find)


@pytest.mark.parametrize(("elapsed_s", "found", "known"), [
    (2, True, True), (2, False, False), (239, False, False), (240, False, True), (240, True, True),
])  # fmt: skip
def test_that_nothing_was_created_is_known_only_after_the_cap(
    elapsed_s: int, found: bool, known: bool
) -> None:
    doing = Doing(intention=INTENTION)
    doing.clock.now = SENT + timedelta(seconds=elapsed_s)
    documents = [Document("e1")] if found else []
    if known:
        assert find_created(doing.work, INTENTION, lambda: documents) == documents
    else:
        with pytest.raises(OutcomeUnknown):
            find_created(doing.work, INTENTION, lambda: documents)


def test_what_was_found_is_the_record_s_own_with_the_body_that_was_sent() -> None:
    doing = Doing(record=record(), intention=INTENTION)
    take_over(doing.work, "Invoice", "000358", "e9")
    taken = doing.record
    assert (taken.visma_type, taken.visma_number, taken.visma_etag, taken.body) == (
        "Invoice",
        "000358",
        "e9",
        {"header": {}},
    )
    with pytest.raises(ValueError, match="no create"):
        take_over(Doing().work, "Invoice", "000358", "e9")


def test_an_update_without_an_answer_must_not_land_after_it_was_found_needless() -> None:
    doing = Doing(
        record=record(visma_type="Invoice", visma_number="000357", visma_etag="e1"),
        sent=Intention("Invoice", SENT, {}, is_update=True),
    )
    with pytest.raises(Retryable) as caught:
        update(doing, 0, plan=None)
    assert not caught.value.counts
    assert update(Doing(sent=doing.sent), 0, plan=None)[2] == "e1", "its ETag has moved on: it can only fail"
    doing.clock.advance(doing.tenant.limits.visma_request_cap_s)
    assert update(doing, 0, plan=None)[2] == "e1"
