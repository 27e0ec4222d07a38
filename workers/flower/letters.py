"""The page Dead letters: a list to filter and search, from which letters are opened or settled together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow
from tornado.web import HTTPError

from shared.store import letter_pages, tenants
from shared.store.letter_pages import COUNT_TO, PAGE_SIZE, LetterFilter
from workers.flower.letter_words import describe_letter, title_of
from workers.flower.masking import mask_text
from workers.flower.page import Desk, Page

STATES = ("open", "replayed", "discarded", "closed", "all")
KINDS = ("vendor", "bill")
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter as the list shows it."""

    letter: DictRow
    vendor: str | None
    title: str
    error: str


@dataclass(frozen=True, slots=True)
class LetterList:
    """One page of letters; ``count`` is that of all pages, ``next_below`` where the next one begins."""

    rows: list[LetterRow]
    count: int
    next_below: int | None
    tenants: list[str]
    errors: list[tuple[str, str]]

    @property
    def count_text(self) -> str:
        """The count for people."""
        return f"more than {COUNT_TO:,}" if self.count > COUNT_TO else f"{self.count:,}"


class FilteredPage(Page):
    """A page whose parameters choose letters."""

    def read_filter(self) -> LetterFilter:
        """The letters that the parameters choose; open ones without a word about the state."""
        state = self.pick("state", STATES) or "open"
        return LetterFilter(
            state=None if state == "all" else state,
            tenant=self.pick("tenant"),
            kind=self.pick("kind", KINDS),
            error=self.pick("error"),
            words=(self.pick("q") or "")[:100].replace("\0", ""),
        )


class LettersPage(FilteredPage):
    """``/dead-letters``."""

    tab = "dead-letters"

    async def get(self) -> None:
        """The chosen letters, newest first."""
        chosen, below = self.read_filter(), self._read_below()
        found = await self.ask("letters", lambda desk: list_letters(desk, chosen, below))
        query = to_query(chosen)
        self.show("dead_letters.html", found=found, chosen=chosen, query=query, states=STATES, below=below)

    def _read_below(self) -> int | None:
        text = self.pick("below")
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or int(text) > _LARGEST:
            raise HTTPError(400, "below must be the number of a dead letter")
        return int(text)


def list_letters(desk: Desk, chosen: LetterFilter, below: int | None) -> LetterList:
    """A page of letters, and what can be chosen."""
    rows = letter_pages.list_page(desk.conn, chosen, below=below)
    shown = rows[:PAGE_SIZE]
    vendors = letter_pages.find_vendors(desk.conn, shown)
    return LetterList(
        rows=[
            LetterRow(
                row,
                vendors.get((row["tenant"], row["bill_id"])),
                describe_letter(row).title,
                mask_text(row["error"]),
            )
            for row in shown
        ],
        count=letter_pages.count(desk.conn, chosen),
        next_below=shown[-1]["id"] if len(rows) > PAGE_SIZE else None,
        tenants=tenants.list_ids(desk.conn),
        errors=[(name, title_of(name)) for name in letter_pages.list_errors(desk.conn)],
    )


def to_query(chosen: LetterFilter) -> dict[str, Any]:
    """The parameters that choose these letters, as addresses and forms carry them."""
    state = "all" if chosen.state is None else chosen.state
    values = {"tenant": chosen.tenant, "kind": chosen.kind, "error": chosen.error, "q": chosen.words or None}
    return {"state": None if state == "open" else state, **values}
