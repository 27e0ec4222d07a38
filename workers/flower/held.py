"""The page Held: what needs a person, by reason and oldest first, and what frees it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import astuple, dataclass
from datetime import datetime
from itertools import groupby

from psycopg.rows import DictRow
from tornado.web import HTTPError

from shared.store import held, tenants
from shared.store.held import PAGE_SIZE, HeldPlace
from workers.cli.reasons import REASONS, Advice, advise
from workers.flower.masking import mask_text
from workers.flower.page import Desk, Page

LINKABLE = ("no_supplier", "ambiguous_supplier", "supplier_taken")
"""Reasons of vendors that a link to a supplier frees."""


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """The records of one reason on a page."""

    reason: str
    advice: Advice
    rows: list[DictRow]

    @property
    def is_linkable(self) -> bool:
        """Whether naming a supplier frees them."""
        return self.reason in LINKABLE


@dataclass(frozen=True, slots=True)
class HeldList:
    """One page of held records; ``last`` is where the next one begins, None on the last page."""

    groups: list[HeldGroup]
    counts: list[DictRow]
    behind: dict[tuple[str, str], int]
    last: str | None
    tenants: list[str]

    @property
    def total(self) -> int:
        """How many records are held."""
        return sum(row["count"] for row in self.counts)


class HeldPage(Page):
    """``/held``."""

    tab = "held"

    async def get(self) -> None:
        """The chosen records."""
        tenant, reason = self.pick("tenant"), self.pick("reason", tuple(REASONS))
        last = read_place(self.pick("behind"))
        found = await self.ask("held", lambda desk: list_held(desk, tenant, reason, last))
        self.show("held.html", found=found, tenant=tenant, reason=reason, paged=last is not None)


def list_held(desk: Desk, tenant: str | None, reason: str | None, last: HeldPlace | None) -> HeldList:
    """A page of held records in groups."""
    rows = held.list_page(desk.conn, tenant=tenant, reason=reason, last=last)
    shown = rows[:PAGE_SIZE]
    vendors = [(row["tenant"], row["bill_id"]) for row in shown if row["kind"] == "vendor"]
    for row in shown:
        row["text"] = mask_text(row["detail"] or "")
    groups = [
        HeldGroup(code, advise("held", code), list(some))
        for code, some in groupby(shown, lambda row: str(row["reason"]))
    ]
    return HeldList(
        groups=groups,
        counts=held.count_reasons(desk.conn, tenant),
        behind=held.count_behind(desk.conn, vendors) if vendors else {},
        last=write_place(shown[-1]) if len(rows) > PAGE_SIZE else None,
        tenants=tenants.list_ids(desk.conn),
    )


def write_place(row: DictRow) -> str:
    """Where a page ends, as its address carries it."""
    place = HeldPlace(*(row[name] for name in HeldPlace.__slots__))
    text = json.dumps(astuple(place), default=lambda at: at.isoformat())
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_place(text: str | None) -> HeldPlace | None:
    """What ``write_place`` wrote. Raises 400 for anything else."""
    if text is None:
        return None
    try:
        reason, held_at, *names = json.loads(base64.urlsafe_b64decode(text))
        tenant, kind, bill_id = names
        if not all(isinstance(one, str) and "\0" not in one for one in (reason, *names)):
            raise ValueError(names)
        return HeldPlace(reason, datetime.fromisoformat(held_at), tenant, kind, bill_id)
    except (binascii.Error, ValueError, TypeError):
        raise HTTPError(400, "behind must be what a link of this page has") from None
