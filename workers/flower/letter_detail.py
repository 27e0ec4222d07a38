"""The page of one dead letter: the chain from BILL's event to Visma's answer, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kombu.exceptions import OperationalError as BrokerError
from psycopg.rows import DictRow

from shared import queues
from shared.errors import Retryable, UsageError
from shared.store import events, history, letter_pages, records
from shared.store.dead_letters import find_letter
from shared.store.records import Due, Record
from shared.store.tenants import get_tenant
from workers.cli.reasons import Advice
from workers.cli.why import advise_on
from workers.flower.letter_words import LetterWords, describe_letter
from workers.flower.mapped import Mapped, map_kept
from workers.flower.masking import mask_body, mask_text
from workers.flower.page import Action, Desk, Page
from workers.sync.replay import discard_letter, replay_letter

_HISTORY = 20
NOT_SENT = " The work is sent once Redis answers."


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything the page tells of a letter."""

    letter: DictRow
    words: LetterWords
    event: DictRow | None
    record: Record | None
    vendor: str | None
    advice: Advice | None
    newer: int | None
    history: list[DictRow]
    error: str
    raw: str | None
    traceback: str | None

    @property
    def is_open(self) -> bool:
        """Whether it can be replayed or discarded."""
        return bool(self.letter["state"] == "open")

    @property
    def can_replay(self) -> bool:
        """Whether there is anything to try again."""
        return self.letter["raw"] is not None or self.letter["bill_id"] is not None

    @property
    def is_followed(self) -> bool:
        """Whether a replay may still be under way."""
        return bool(self.letter["state"] == "replayed" and self.record is not None)

    @property
    def is_working(self) -> bool:
        """Whether the record's work has no end yet."""
        record = self.record
        return record is not None and record.wanted > record.done and record.state != "dead"

    @property
    def in_visma(self) -> str | None:
        """What a replay made of it, once it has succeeded."""
        record = self.record
        if not self.is_followed or record is None or record.state != "synced" or self.is_working:
            return None
        return f"{record.visma_type} {record.visma_number}"

    @property
    def copies_documents(self) -> bool:
        """Whether it is about a bill's documents, not the bill."""
        return bool(self.letter["task"] == queues.COPY_ATTACHMENTS)


class LetterPage(Page):
    """``/dead-letters/ID``."""

    tab = "dead-letters"

    async def get(self, letter_id: str) -> None:
        """The letter with its chain."""
        chain = await self.ask("letter", lambda desk: read_chain(desk, int(letter_id)))
        self.show("dead_letter.html", chain=chain, letter=chain.letter)


class MappingPart(Page):
    """``/dead-letters/ID/mapping``: a piece of the page that may take a moment."""

    async def get(self, letter_id: str) -> None:
        """What the record becomes in Visma as things are now."""
        mapped = await self.ask("mapping", lambda desk: _map_letter(desk, int(letter_id)))
        self.show_part("part_mapping.html", mapped=mapped)


class LetterProgress(Page):
    """``/dead-letters/ID/progress``: what became of a replay so far, as JSON."""

    async def get(self, letter_id: str) -> None:
        """``text`` and ``tone`` for people, ``done`` once nothing more happens."""
        self.write(await self.ask("progress", lambda desk: tell_progress(desk, int(letter_id))))


class ReplayAction(Action):
    """``POST /dead-letters/ID/replay``."""

    async def post(self, letter_id: str) -> None:
        """Replay it, once, whoever else tries."""
        by = self.actor

        def replay(desk: Desk) -> str:
            replayed = replay_letter(desk.conn, int(letter_id), by=by)
            sent = send(desk, replayed.due)
            if replayed.new_letter is not None:
                return f"The webhook still cannot be read: see dead letter {replayed.new_letter}."
            return "" if sent else f"Dead letter {letter_id} is replayed.{NOT_SENT}"  # the page follows it

        await self.act("replay", replay, self.address("dead-letter", letter_id))


class DiscardAction(Action):
    """``POST /dead-letters/ID/discard``."""

    async def post(self, letter_id: str) -> None:
        """Give it up, with the reason that was typed."""
        by, why = self.actor, self.pick("why") or ""

        def discard(desk: Desk) -> str:
            due = discard_letter(desk.conn, int(letter_id), by=by, why=why)
            send(desk, due)
            newer = " A newer version goes on." if due else ""
            return f"Dead letter {letter_id} is discarded.{newer}"

        await self.act("discard", discard, self.address("dead-letter", letter_id))


def send(desk: Desk, due: list[Due]) -> bool:
    """Send what is due at once; False where a tick sends it later, since Redis does not answer."""
    try:
        desk.context.dispatcher.dispatch(due)
    except (Retryable, BrokerError):
        return False
    return True


def get_letter(desk: Desk, letter_id: int) -> DictRow:
    """The letter. Raises UsageError when there is none of that number."""
    letter = find_letter(desk.conn, letter_id)
    if letter is None:
        raise UsageError(f"There is no dead letter {letter_id}.")
    return letter


def find_record(desk: Desk, letter: DictRow) -> Record | None:
    """The letter's record, where it has one that is known."""
    if letter["bill_id"] is None or letter["tenant"] is None:
        return None
    return records.find(desk.conn, letter["tenant"], letter["kind"], letter["bill_id"])


def read_chain(desk: Desk, letter_id: int) -> Chain:
    """All of it but the mapping, without a call to either system."""
    letter = get_letter(desk, letter_id)
    record = find_record(desk, letter)
    vendors = letter_pages.find_vendors(desk.conn, [letter])
    entries = history.list_entries(desk.conn, record.tenant, record.kind, record.bill_id) if record else []
    return Chain(
        letter=letter,
        words=describe_letter(letter),
        event=events.find_last(desk.conn, letter["tenant"], letter["kind"], letter["bill_id"]),
        record=record,
        vendor=vendors.get((letter["tenant"], letter["bill_id"])),
        advice=advise_on(record, get_tenant(desk.conn, record.tenant)) if record else None,
        newer=letter_pages.find_newer_letter(desk.conn, letter),
        history=[shown_entry(entry) for entry in entries[-_HISTORY:]],
        error=mask_text(letter["error"]),
        raw=mask_body(bytes(letter["raw"])) if letter["raw"] is not None else None,
        traceback=mask_text(letter["traceback"]) if letter["traceback"] else None,
    )


def shown_entry(entry: DictRow) -> DictRow:
    """An entry of the history, fit to be seen."""
    said = filter(None, (entry["reason"], entry["detail"]))
    return {**entry, "text": mask_text(", ".join(said))}


def tell_progress(desk: Desk, letter_id: int) -> dict[str, Any]:
    """What became of a replayed letter's record."""
    letter = get_letter(desk, letter_id)
    newer = letter_pages.find_newer_letter(desk.conn, letter)
    record = find_record(desk, letter)
    if newer is not None:
        return {"text": f"It failed again and left dead letter {newer}.", "tone": "danger", "done": True}
    if letter["task"] == queues.COPY_ATTACHMENTS:
        return {"text": "The bill's documents are looked at again.", "tone": "success", "done": True}
    if record is None:
        return {"text": "It names no record to follow.", "tone": "warning", "done": True}
    return _tell_record(record, advise_on(record, get_tenant(desk.conn, record.tenant)))


def _tell_record(record: Record, advice: Advice) -> dict[str, Any]:
    if record.wanted > record.done and record.state != "dead":
        waits = f" It waits: {mask_text(record.detail)}" if record.detail and record.next_attempt_at else ""
        return {"text": f"Working on it.{waits}", "tone": "info", "done": False}
    where = " ".join(filter(None, (record.visma_type, record.visma_number)))
    if record.state == "synced":
        return {"text": f"It succeeded: in Visma it is {where}.", "tone": "success", "done": True}
    text = f"It is {record.state}: {advice.meaning} {advice.next_step}"
    return {"text": text, "tone": "warning", "done": True}


def _map_letter(desk: Desk, letter_id: int) -> Mapped:
    record = find_record(desk, get_letter(desk, letter_id))
    if record is None:
        return Mapped(problem="There is no record to map.")
    return map_kept(desk, record)
