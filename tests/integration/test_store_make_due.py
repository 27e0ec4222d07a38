"""What is heard of a record, and whether that is work: the whole table of ``make_due``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from shared.bill.models import Kind
from shared.store import dead_letters, records
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn
from shared.store.records import Due, Heard, Parking, Urgency
from tests.support.rows import T0, T1, T2, T3, TENANT, add_synced, claim, find, page_row

pytestmark = pytest.mark.integration

VENDOR: Kind = "vendor"


def event(at: datetime | None, *, forced: bool = False, again: bool = False) -> Heard:
    """A notification without content: only that the record changed."""
    return Heard(VENDOR, "v", at, forced=forced, again=again)


def notice(at: datetime, text: str = "A") -> Heard:
    """A vendor's notification, which carries the vendor, nearly whole."""
    return replace(page_row("v", at, text), whole=False, urgency=Urgency.WEBHOOK)


def listed(at: datetime | None, text: str = "A") -> Heard:
    """The record on a list page."""
    return page_row("v", at, text)


def tell(conn: Conn, *heard: Heard) -> list[Due]:
    return records.make_due(conn, TENANT, heard)


@dataclass(frozen=True)
class Case:
    """What was heard after the first version of T1, with content A, was synced from a list page."""

    heard: tuple[Heard, ...]
    due: bool
    content: str = "A"
    stale: bool = False
    whole: bool = True


CASES = {
    "an event of an older version": Case((event(T0),), due=False),
    "an event of the same version": Case((event(T1),), due=True, stale=True),
    "an event of a newer version": Case((event(T2),), due=True, stale=True),
    "an event that tells no time": Case((event(None),), due=True, stale=True),
    "a row of an older version": Case((listed(T0, "B"),), due=False),
    "the same row again": Case((listed(T1),), due=False),
    # An approval does not move the time, so a whole row of the same time is the newer word.
    "a row of the same time with other content": Case((listed(T1, "B"),), due=True, content="B"),
    "a newer row": Case((listed(T2, "B"),), due=True, content="B"),
    "a row without a time": Case((listed(None, "B"),), due=True, stale=True),
    "a newer notification": Case((notice(T2, "B"),), due=True, content="B", whole=False),
    "an older notification": Case((notice(T0, "B"),), due=False),
    "a notification of the same time with other content": Case((notice(T1, "B"),), due=True, stale=True),
    "a notification, then its row": Case((notice(T2, "B"), listed(T2, "B+")), due=True, content="B+"),
    "a row, then an older notification": Case((listed(T3, "C"), notice(T2, "B")), due=True, content="C"),
    "an event, then its row": Case((event(T2), listed(T2, "B")), due=True, content="B"),
    "an event, then a row from before it": Case((event(T2), listed(T1)), due=True, stale=True),
    "an event, then a newer row from before it": Case(
        (event(T3), listed(T2, "B")), due=True, content="B", stale=True
    ),
    "rows out of order": Case((listed(T3, "C"), listed(T2, "B")), due=True, content="C"),
    "a person's wish": Case((event(None, forced=True),), due=True, stale=True),
    "a person's wish about an old version": Case((event(T0, forced=True),), due=True, stale=True),
    "once more, without reading": Case((event(None, again=True),), due=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_heard_of_a_synced_record(conn: Conn, case: Case) -> None:
    before = add_synced(conn, "v", T1, "A")
    told = [due for heard in case.heard for due in tell(conn, heard)]
    found = find(conn, "v")
    assert (found.wanted > found.done) == case.due
    assert [(due.kind, due.bill_id) for due in told][:1] == ([(VENDOR, "v")] if case.due else [])
    assert found.state == ("pending" if case.due else "synced")
    assert found.stale == case.stale
    assert found.content is not None
    assert f'"{case.content}"' in found.content.decode()
    assert found.content_whole == case.whole
    assert (found.visma_number, found.synced_version) == (before.visma_number, before.synced_version)


@pytest.mark.parametrize(
    ("heard", "stale"), [(event(T1), True), (event(None), True), (listed(T1), False), (listed(None), False)]
)
def test_a_record_nobody_knew_is_due(conn: Conn, heard: Heard, stale: bool) -> None:
    assert [due.bill_id for due in tell(conn, heard)] == ["v"]
    found = find(conn, "v")
    assert (found.state, found.stale, found.wanted, found.done) == ("pending", stale, 1, 0)


def test_the_time_in_bill_never_moves_backwards(conn: Conn) -> None:
    tell(conn, event(T3), event(T1), event(None))
    assert find(conn, "v").bill_updated_at == T3


def test_a_row_without_a_time_stops_no_page(conn: Conn) -> None:
    """One record that BILL shows without ``updatedTime`` must not keep its neighbours from us."""
    add_synced(conn, "v", T1)
    tell(conn, listed(None, "B"), page_row("w", T2))
    assert find(conn, "w").content is not None


def test_a_page_of_what_is_known_writes_nothing(conn: Conn) -> None:
    """Most rows of most polls are known: writing each anew would be a gigabyte a day for a large client."""
    for bill_id in "vwx":
        add_synced(conn, bill_id, T1)
    before = _places(conn)
    assert tell(conn, page_row("v", T1), page_row("w", T1, "B"), page_row("x", T1)) == [
        Due(TENANT, VENDOR, "w", Urgency.POLL)
    ]
    after = _places(conn)
    assert {bill_id for bill_id in "vwx" if before[bill_id] != after[bill_id]} == {"w"}


def _places(conn: Conn) -> dict[str, str]:
    """Where each row's newest version lies; another place is another version."""
    return {row["bill_id"]: row["ctid"] for row in conn.execute("SELECT bill_id, ctid::text FROM records")}


def test_a_record_twice_on_a_page_is_judged_both_times(conn: Conn) -> None:
    add_synced(conn, "v", T1)
    tell(conn, listed(T1, "B"), listed(T1))
    assert find(conn, "v").content == listed(T1).content


def test_what_is_heard_during_the_work_is_work_again(conn: Conn) -> None:
    add_synced(conn, "v")
    tell(conn, event(T2))
    record = claim(conn, "v")
    assert tell(conn, event(T3)) == [], "nobody else can work on it now"
    records.keep_content(conn, record, b'{"id": "v"}', T2, label="Kontoret", vendor_id=None)
    assert find(conn, "v").stale, "the answer may be from before the event"
    assert records.finish(conn, record, records.Finish("synced", version=T2))
    assert [due.bill_id for due in records.take_due(conn, TENANT, most=9, again_s=60)] == ["v"]


@pytest.mark.parametrize("heard", [event(T1), listed(T1, "B"), event(None)])
def test_the_same_time_heard_during_the_work_is_not_lost_either(conn: Conn, heard: Heard) -> None:
    add_synced(conn, "v", T1)
    tell(conn, event(T1))
    record = claim(conn, "v")
    tell(conn, heard)
    assert records.finish(conn, record, records.Finish("synced", version=T1))


def test_a_burst_is_one_piece_of_work(conn: Conn) -> None:
    add_synced(conn, "v")
    assert len(tell(conn, *(event(T2) for _ in range(20)))) == 20
    record = claim(conn, "v")
    assert not records.finish(conn, record, records.Finish("synced", version=T2))


def test_news_wake_a_parked_record_with_a_clean_slate(conn: Conn) -> None:
    _park(conn, lambda: None)
    assert [due.bill_id for due in tell(conn, event(T3))] == ["v"]
    found = find(conn, "v")
    assert (found.attempts, found.next_attempt_at) == (0, None)


def test_news_do_not_hasten_a_create_whose_outcome_is_unknown(conn: Conn) -> None:
    """Its look-ups have their times, and a second POST its earliest one."""
    parked = _park(conn, lambda: {"sent_at": "2026-03-01T08:00:00+00:00"})
    assert tell(conn, event(T3)) == []
    found = find(conn, "v")
    assert (found.attempts, found.next_attempt_at) == (parked.attempts, parked.next_attempt_at)
    assert found.wanted == parked.wanted + 1


def _park(conn: Conn, make_intention: Callable[[], dict[str, str] | None]) -> records.Record:
    add_synced(conn, "v")
    tell(conn, event(T2))
    record = claim(conn, "v")
    records.extend(conn, record, make_intention())
    records.park(conn, record, Parking(600, "Visma is away"))
    assert find(conn, "v").attempts == 1
    return find(conn, "v")


@pytest.mark.parametrize(
    ("heard", "passes"),
    [
        (event(T3), False),
        (listed(T3, "B"), False),
        (event(None, forced=True), True),
        (event(None, again=True), True),
    ],
)
def test_behind_a_dead_letter_only_a_person_passes(conn: Conn, heard: Heard, passes: bool) -> None:
    _bury(conn)
    assert bool(tell(conn, heard)) == passes
    found = find(conn, "v")
    assert found.state == ("pending" if passes else "dead")
    assert found.bill_updated_at == (heard.updated_at or T2), "what is known is updated all the same"


def test_after_the_letter_is_settled_news_count_again(conn: Conn) -> None:
    _bury(conn)
    dead_letters.close_letters(conn, TENANT, VENDOR, "v", by="anna")
    assert [due.bill_id for due in tell(conn, event(T3))] == ["v"]
    assert find(conn, "v").state == "pending"


def _bury(conn: Conn) -> None:
    add_synced(conn, "v")
    tell(conn, event(T2))
    assert records.bury(conn, claim(conn, "v"), "it cannot be", nothing_ran=True) == 1
    letter = DeadLetter(
        "connector.upsert_supplier", [TENANT, "v"], "Permanent", "no", "t1", TENANT, VENDOR, "v"
    )
    dead_letters.add_letter(conn, letter)


def test_the_most_urgent_of_what_is_left_decides(conn: Conn) -> None:
    add_synced(conn, "v")
    tell(conn, replace(listed(T2, "B"), urgency=Urgency.BACKFILL))
    assert find(conn, "v").urgency is Urgency.BACKFILL, "what it was synced for is over"
    tell(conn, event(T3))
    assert find(conn, "v").urgency is Urgency.WEBHOOK
    tell(conn, replace(listed(T3, "C"), urgency=Urgency.BACKFILL))
    assert find(conn, "v").urgency is Urgency.WEBHOOK
