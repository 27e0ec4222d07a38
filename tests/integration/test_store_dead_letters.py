"""Dead letters: settled once, whoever tries at the same time, and what waits behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from shared import jsontext, queues
from shared.errors import UsageError
from shared.store import attachments, dead_letters, history, records
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn
from shared.store.records import Finish, Heard, Parking, Record
from shared.stream import StreamEntry
from tests.integration.conftest import Connect
from tests.support.rows import (
    T1,
    T2,
    T3,
    TENANT,
    add_synced,
    add_tenant,
    at_once,
    claim,
    expire_claim,
    find,
    page_row,
)
from workers.sync.drain import store_entries
from workers.sync.replay import LetterSettled, Replayed, discard_letter, replay_letter

pytestmark = pytest.mark.integration


def bury(conn: Conn, bill_id: str = "v", task_id: str = "t1", meanwhile: Heard | None = None) -> int:
    """A vendor whose version of T2 died; the letter."""
    add_synced(conn, bill_id)
    records.make_due(conn, TENANT, [Heard("vendor", bill_id, T2)])
    return bury_again(conn, bill_id, task_id, meanwhile)


def bury_again(conn: Conn, bill_id: str, task_id: str, meanwhile: Heard | None = None) -> int:
    record = claim(conn, bill_id)
    if meanwhile is not None:
        records.make_due(conn, TENANT, [meanwhile])
    with conn.transaction():
        attempts = records.bury(conn, record, "no", nothing_ran=True)
        letter = DeadLetter(
            queues.UPSERT_SUPPLIER, [TENANT, bill_id], "Permanent", "no", task_id, TENANT, "vendor", bill_id
        )
        assert attempts is not None
        return dead_letters.replace_letters(conn, letter, by="worker-1")


def states(conn: Conn) -> list[str]:
    return [row["state"] for row in dead_letters.list_letters(conn, state=None)]


def told(conn: Conn, bill_id: str = "v") -> list[tuple[str, str, str]]:
    rows = history.list_entries(conn, TENANT, "vendor", bill_id)
    return [(row["actor"], row["action"], row["detail"]) for row in rows]


def is_due(conn: Conn, bill_id: str = "v") -> bool:
    record = find(conn, bill_id)
    return record.state == "pending" and record.wanted > record.done


# --- replay ----------------------------------------------------------------------------------------


def test_of_replays_at_once_one_runs_and_the_others_are_told(conn: Conn, connect_again: Connect) -> None:
    letter_id = bury(conn)
    wanted = find(conn, "v").wanted

    def replay(own: Conn, by: str) -> Replayed | str:
        try:
            return replay_letter(own, letter_id, by=by)
        except LetterSettled as error:
            return str(error)

    ended = at_once([partial(replay, connect_again(), f"anna-{number}") for number in range(5)])
    (done,) = [one for one in ended if isinstance(one, Replayed)]
    (entry,) = told(conn)
    assert [one for one in ended if one is not done] == 4 * [
        f"dead letter {letter_id} is replayed already, by {entry[0]}"
    ]
    assert [one.bill_id for one in done.due] == ["v"]
    assert entry[1:] == ("replayed", f"dead letter {letter_id}: no")
    record = find(conn, "v")
    assert (record.state, record.wanted, record.stale, record.attempts) == ("pending", wanted + 1, True, 0)
    assert states(conn) == ["replayed"]


def test_a_replay_and_a_run_that_ends_at_once_do_not_lock_each_other_out(
    conn: Conn, connect_again: Connect
) -> None:
    """A person sent the record past its letter, and it succeeds while somebody replays the letter."""
    for number in range(8):
        name = f"v{number}"
        letter_id = bury(conn, name, f"t-{name}")
        records.make_due(conn, TENANT, [Heard("vendor", name, forced=True)])
        record = claim(conn, name)

        def succeed(own: Conn, record: Record) -> None:
            with own.transaction():
                records.finish(own, record, Finish("synced", visma_type="S", visma_number=record.bill_id))
                dead_letters.close_letters(own, TENANT, "vendor", record.bill_id, by="worker-1")

        def replay(own: Conn, letter_id: int) -> None:
            try:
                replay_letter(own, letter_id, by="anna")
            except LetterSettled as error:
                assert "closed" in str(error)

        at_once([partial(succeed, connect_again(), record), partial(replay, connect_again(), letter_id)])
        again = find(conn, name).wanted > find(conn, name).done
        assert states(conn)[-1] == ("replayed" if again else "closed")


def test_what_fails_again_leaves_one_open_letter(conn: Conn) -> None:
    first = bury(conn)
    replay_letter(conn, first, by="anna")
    second = bury_again(conn, "v", "t1")
    assert second != first, "also when it is the same message that came back"
    records.make_due(conn, TENANT, [Heard("vendor", "v", forced=True)])
    third = bury_again(conn, "v", "t3")
    assert states(conn) == ["replayed", "closed", "open"]
    assert dead_letters.find_open(conn, "t3") == third


def test_the_same_failure_told_twice_is_one_letter(conn: Conn) -> None:
    letter = DeadLetter(queues.DRAIN_EVENTS, [], "UnreadableEvent", "no", "event:1-0", TENANT, raw=b"?")
    assert dead_letters.add_letter(conn, letter) == dead_letters.add_letter(conn, letter)


@pytest.mark.parametrize("settle", [replay_letter, partial(discard_letter, why="old")])
def test_there_must_be_an_open_letter(conn: Conn, settle: Callable[..., object]) -> None:
    letter_id = bury(conn)
    with pytest.raises(UsageError, match=f"no dead letter {letter_id + 1}"):
        settle(conn, letter_id + 1, by="anna")
    dead_letters.close_letters(conn, TENANT, "vendor", "v", by="worker-1")
    with pytest.raises(LetterSettled, match="closed already, by worker-1"):
        settle(conn, letter_id, by="anna")
    assert find(conn, "v").state == "dead"


def test_what_names_no_record_is_not_replayed(conn: Conn) -> None:
    letter_id = dead_letters.add_letter(conn, DeadLetter("task", [], "Bug", "no", tenant=TENANT))
    with pytest.raises(UsageError, match="discard it"):
        replay_letter(conn, letter_id, by="anna")
    assert states(conn) == ["open"]


def test_a_webhook_is_read_again_by_the_drain(conn: Conn) -> None:
    """Its tenant is there by now."""
    entity = {"id": "v9", "name": "Bygg AB", "updatedTime": "2026-03-01T09:00:00.000+00:00"}
    known = {"eventId": "e1", "eventType": "vendor.updated", "organizationId": "00801A", "version": "1"}
    body = jsontext.dumps({"metadata": known, "vendor": entity}).encode()
    assert store_entries(conn, [StreamEntry("5-0", "late", body, T2)]) == []
    (letter,) = dead_letters.list_letters(conn, "late")

    replayed = replay_letter(conn, letter["id"], by="anna")
    assert replayed.new_letter == letter["id"] + 1, "it cannot be read yet"
    add_tenant(conn, "late")
    replayed = replay_letter(conn, letter["id"] + 1, by="anna")
    assert ([one.bill_id for one in replayed.due], replayed.new_letter) == (["v9"], None)
    assert states(conn) == ["replayed", "replayed"]
    (entry,) = history.list_entries(conn, "late", "vendor", "v9")
    assert (entry["actor"], entry["action"]) == ("anna", "replayed")


def test_the_copying_of_documents_is_replayed_apart_from_the_record(conn: Conn) -> None:
    add_synced(conn, "b", kind="bill")
    attachments.want(conn, TENANT, "b")
    claimed = attachments.claim(conn, TENANT, "b")
    assert claimed is not None
    attachments.bury(conn, claimed, detail="no")
    task = queues.COPY_ATTACHMENTS
    letter = DeadLetter(task, [TENANT, "b"], "Permanent", "no", "t1", TENANT, "bill", "b")
    letter_id = dead_letters.replace_letters(conn, letter, by="worker-1")
    before = find(conn, "b", "bill")
    assert attachments.claim(conn, TENANT, "b") is None

    replay_letter(conn, letter_id, by="anna")
    assert attachments.claim(conn, TENANT, "b") is not None
    assert find(conn, "b", "bill") == before
    assert states(conn) == ["replayed"]


# --- discard ---------------------------------------------------------------------------------------

AFTERWARDS = {
    "a late notification of what died": (Heard("vendor", "v", T2), False),
    "the content that died": (page_row("v", T1), False),
    "a newer version": (Heard("vendor", "v", T3), True),
    "other content of the same time": (page_row("v", T2, "B"), True),
    "a change without a time": (Heard("vendor", "v"), True),
    "a person": (Heard("vendor", "v", T2, forced=True), True),
}


@pytest.mark.parametrize(("heard", "goes_on"), AFTERWARDS.values(), ids=AFTERWARDS.keys())
def test_what_was_discarded_stays_dead_until_bill_changes_it(conn: Conn, heard: Heard, goes_on: bool) -> None:
    letter_id = bury(conn)
    assert discard_letter(conn, letter_id, by="anna", why=" entered by hand ") == []
    row = dead_letters.find_letter(conn, letter_id)
    assert row is not None
    assert (row["state"], row["settled_by"], row["why"]) == ("discarded", "anna", "entered by hand")
    assert told(conn) == [("anna", "discarded", f"dead letter {letter_id}: entered by hand")]
    assert records.rejudge_all(conn, TENANT) == []
    assert find(conn, "v").state == "dead"

    records.make_due(conn, TENANT, [heard])
    assert is_due(conn) == goes_on


@pytest.mark.parametrize("meanwhile", [False, True], ids=["after it died", "while it was worked on"])
@pytest.mark.parametrize(("heard", "waits"), [(T2, False), (T3, True)])
def test_what_waited_goes_on_when_the_letter_is_discarded_if_bill_changed_it(
    conn: Conn, heard: object, waits: bool, meanwhile: bool
) -> None:
    news = Heard("vendor", "v", heard)  # type: ignore[arg-type]
    letter_id = bury(conn, meanwhile=news if meanwhile else None)
    if not meanwhile:
        records.make_due(conn, TENANT, [news])
    assert find(conn, "v").state == "dead"
    due = discard_letter(conn, letter_id, by="anna", why="old")
    # What came while it was worked on may have been read in time or not: it goes on, to be sure.
    assert bool(due) == is_due(conn) == (waits or meanwhile)


def test_a_reason_is_needed(conn: Conn) -> None:
    letter_id = bury(conn)
    with pytest.raises(UsageError, match="reason"):
        discard_letter(conn, letter_id, by="anna", why="  ")
    assert states(conn) == ["open"]


def test_a_changed_mapping_passes_an_open_letter(conn: Conn) -> None:
    bury(conn)
    assert [one.bill_id for one in records.rejudge_all(conn, TENANT)] == ["v"]
    assert is_due(conn)
    assert states(conn) == ["open"], "until it succeeds"


# --- poison ----------------------------------------------------------------------------------------


def lose(conn: Conn, bill_id: str = "v") -> None:
    """A worker takes the record and is never heard of again."""
    claim(conn, bill_id)
    expire_claim(conn, bill_id)


ENDS: dict[str, tuple[Callable[[Conn, Record], object], int]] = {
    "finished": (lambda conn, record: records.finish(conn, record, Finish("held", "no_supplier")), 0),
    "failed": (lambda conn, record: records.park(conn, record, Parking(0, "no")), 0),
    "no place": (lambda conn, record: records.park(conn, record, Parking(0, "no", counts=False)), 2),
    "dead": (lambda conn, record: records.bury(conn, record, "no", nothing_ran=True), 0),
}


@pytest.mark.parametrize(("end", "left"), ENDS.values(), ids=ENDS.keys())
def test_workers_that_end_without_a_word_are_counted_until_a_try_has_an_end(
    conn: Conn, end: Callable[[Conn, Record], object], left: int
) -> None:
    records.make_due(conn, TENANT, [Heard("vendor", "v", T1)])
    lose(conn)
    lose(conn)
    record = claim(conn, "v")
    assert record.lost_claims == 2
    end(conn, record)
    assert find(conn, "v").lost_claims == left


def test_a_replay_starts_to_count_anew_although_a_create_may_have_happened(conn: Conn) -> None:
    add_synced(conn, "v")
    records.make_due(conn, TENANT, [Heard("vendor", "v", T2)])
    record = claim(conn, "v")
    records.extend(conn, record, {"sent_at": "now"})
    expire_claim(conn, "v")
    letter_id = bury_unsure(conn)
    replay_letter(conn, letter_id, by="anna")
    again = claim(conn, "v")
    assert (again.attempts, again.lost_claims, again.intention) == (1, 0, {"sent_at": "now"})


def bury_unsure(conn: Conn) -> int:
    assert records.bury(conn, claim(conn, "v"), "no", nothing_ran=False) == 2
    letter = DeadLetter(queues.UPSERT_SUPPLIER, [], "PoisonRecord", "no", "t1", TENANT, "vendor", "v")
    return dead_letters.replace_letters(conn, letter, by="worker-1")
