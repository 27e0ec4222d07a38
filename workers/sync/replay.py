"""What a person does with a dead letter: replay it, or discard it with a reason.

One function each for the command line, Flower's pages and Flower's API. The letter is settled by compare
and set, in the transaction that makes its work due: of two replays at once one runs, and a crash leaves
either an open letter or due work, which a tick sends. So there is no state in between to heal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg.rows import DictRow

from shared import logs, queues
from shared.errors import UsageError
from shared.store import attachments, dead_letters, history, records, tenants
from shared.store.dead_letters import State
from shared.store.pool import Conn, Pool
from shared.store.records import Due, Heard
from shared.stream import StreamEntry
from workers.sync.dispatch import Dispatcher
from workers.sync.drain import EVENT_TASK_ID, store_entries

log = logs.get_logger(__name__)

REPLAYED: Final = "replayed"
DISCARDED: Final = "discarded"
API_ACTOR = "flower-api"
"""Who replays when a script calls the task through Flower's API."""


class LetterSettled(UsageError):
    """The letter is not open: somebody settled it before."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A letter whose work goes on; dispatch ``due``.

    ``tenant``, ``kind`` and ``bill_id`` name its record, where it has one; ``new_letter`` is the letter
    of a webhook that cannot be read this time either.
    """

    letter_id: int
    tenant: str | None
    kind: str | None
    bill_id: str | None
    due: list[Due]
    new_letter: int | None = None


def replay_letter(conn: Conn, letter_id: int, *, by: str) -> Replayed:
    """Try a letter's work again, with the record's newest version, in the name of ``by``.

    Raises UsageError when there is no such letter or nothing of it can be tried, and LetterSettled when
    it is not open any more.
    """
    letter = _get_open(conn, letter_id)
    with conn.transaction():
        if letter["raw"] is not None:
            replayed = _replay_event(conn, letter, by)
        elif letter["bill_id"] is None:
            raise UsageError(f"dead letter {letter_id} names no record: discard it")
        elif letter["task"] == queues.COPY_ATTACHMENTS:
            replayed = _replay_copying(conn, letter, by)
        else:
            replayed = _replay_record(conn, letter, by)
    log.info("dead letter replayed", action="dead_letter.replayed", letter=letter_id, by=by)
    return replayed


def replay_by_script(pool: Pool, dispatcher: Dispatcher, letter_id: int) -> str:
    """Replay a letter and send its work, as a script asks; one line of what came of it."""
    try:
        with pool.connection() as conn:
            replayed = replay_letter(conn, letter_id, by=API_ACTOR)
    except UsageError as error:
        log.warning(
            "dead letter not replayed", action="dead_letter.refused", letter=letter_id, why=str(error)
        )
        return str(error)
    dispatcher.dispatch(replayed.due)
    return f"dead letter {letter_id} is replayed"


def discard_letter(conn: Conn, letter_id: int, *, by: str, why: str) -> list[Due]:
    """Give a letter up in the name of ``by``; what BILL changed since and waited behind it is due.

    Its record stays dead until BILL changes it. Raises UsageError without a reason or for an unknown
    letter, and LetterSettled when it is not open any more.
    """
    if not why.strip():
        raise UsageError("give the reason why the dead letter is discarded")
    letter = _get_open(conn, letter_id)
    due: list[Due] = []
    with conn.transaction():
        _lock(conn, letter)
        _settle(conn, letter_id, DISCARDED, by=by, why=why.strip())
        if letter["bill_id"] is not None:
            _note(conn, letter, DISCARDED, by, why.strip())
            if letter["task"] != queues.COPY_ATTACHMENTS:
                due = records.revive_changed(
                    conn, letter["tenant"], letter["kind"], letter["bill_id"], letter["version"]
                )
    log.info("dead letter discarded", action="dead_letter.discarded", letter=letter_id, by=by)
    return due


def _replay_record(conn: Conn, letter: DictRow, by: str) -> Replayed:
    """The record is due whatever is known of it, and BILL is read again."""
    tenants.get_tenant(conn, letter["tenant"])
    _lock(conn, letter)
    _settle(conn, letter["id"], REPLAYED, by=by)
    due = records.make_due(conn, letter["tenant"], [Heard(letter["kind"], letter["bill_id"], forced=True)])
    _note(conn, letter, REPLAYED, by, letter["error"])
    return _replayed(letter, due)


def _replay_copying(conn: Conn, letter: DictRow, by: str) -> Replayed:
    """The bill's documents are looked at again; a tick sends the task."""
    tenants.get_tenant(conn, letter["tenant"])
    attachments.want(conn, letter["tenant"], letter["bill_id"], forced=True)  # locks its row, as copying does
    _settle(conn, letter["id"], REPLAYED, by=by)
    _note(conn, letter, REPLAYED, by, letter["error"])
    return _replayed(letter, [])


def _replay_event(conn: Conn, letter: DictRow, by: str) -> Replayed:
    """The webhook's raw bytes go the way of every event; what is no event still leaves a new letter."""
    _settle(conn, letter["id"], REPLAYED, by=by)
    entry_id = str(letter["task_id"] or f"letter-{letter['id']}").removeprefix(EVENT_TASK_ID)
    entry = StreamEntry(entry_id, letter["tenant"], bytes(letter["raw"]), letter["failed_at"])
    due = store_entries(conn, [entry])
    for one in due:
        record = {"tenant": one.tenant, "kind": one.kind, "bill_id": one.bill_id}
        _note(conn, {**letter, **record}, REPLAYED, by, "the webhook could not be read before")
    return _replayed(letter, due, dead_letters.find_open(conn, EVENT_TASK_ID + entry_id))


def _replayed(letter: DictRow, due: list[Due], new_letter: int | None = None) -> Replayed:
    return Replayed(letter["id"], letter["tenant"], letter["kind"], letter["bill_id"], due, new_letter)


def _get_open(conn: Conn, letter_id: int) -> DictRow:
    letter = dead_letters.find_letter(conn, letter_id)
    if letter is None:
        raise UsageError(
            f"there is no dead letter {letter_id}: see `connector dead-letters list --state all`"
        )
    if letter["state"] != "open":
        raise LetterSettled(
            f"dead letter {letter_id} is {letter['state']} already, by {letter['settled_by']}"
        )
    return letter


def _lock(conn: Conn, letter: DictRow) -> None:
    """The record before its letter, as workers do: two of us never lock crosswise."""
    if letter["bill_id"] is not None:
        records.lock(conn, letter["tenant"], letter["kind"], letter["bill_id"])


def _settle(conn: Conn, letter_id: int, state: State, *, by: str, why: str | None = None) -> None:
    if dead_letters.settle_letter(conn, letter_id, state, by=by, why=why) is None:
        _get_open(conn, letter_id)  # tells who was quicker
        raise LetterSettled(f"dead letter {letter_id} is not open any more")


def _note(conn: Conn, letter: DictRow, action: str, by: str, text: str) -> None:
    entry = history.Entry(
        letter["tenant"], letter["kind"], letter["bill_id"], by, action,
        detail=f"dead letter {letter['id']}: {text}", task_id=letter["task_id"],
    )  # fmt: skip
    history.add_entry(conn, entry)
