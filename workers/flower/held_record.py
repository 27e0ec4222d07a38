"""The page of one held record: why it is held, and what frees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from tornado.web import HTTPError

from shared import jsontext
from shared.bill.models import Kind
from shared.bill.schemas import parse_bill
from shared.errors import ConnectorError, UsageError
from shared.store import held, history, records
from shared.store.records import Record
from shared.store.tenants import get_tenant
from workers.cli.reasons import Advice
from workers.cli.why import advise_on
from workers.flower.candidates import Candidate, rank_suppliers
from workers.flower.held import LINKABLE
from workers.flower.letter_detail import NOT_SENT, send, shown_entry
from workers.flower.mapped import load_lists_codes
from workers.flower.masking import mask_text
from workers.flower.page import Action, Desk, Page
from workers.flower.words import count_of
from workers.mapping.suggest_bill import Missing, suggest_for_bill
from workers.sync.content import find_kept_vendor
from workers.sync.link import Linker

UNMAPPED = ("unmapped_account", "unmapped_segment")
_HISTORY = 20


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """One held record with what a person needs to free it."""

    record: Record
    advice: Advice
    detail: str
    held_at: datetime | None
    candidates: list[Candidate]
    waiting: int
    history: list[DictRow]

    @property
    def is_linkable(self) -> bool:
        """Whether naming a supplier frees it."""
        held_vendor = self.record.kind == "vendor" and self.record.state == "held"
        return held_vendor and self.record.reason in LINKABLE

    @property
    def is_unmapped(self) -> bool:
        """Whether lines in the tenant's file free it."""
        return self.record.state == "held" and self.record.reason in UNMAPPED


class HeldRecordPage(Page):
    """``/held/TENANT/KIND/ID``; also for a record that is not held any more."""

    tab = "held"

    async def get(self, tenant: str, kind: Kind, bill_id: str) -> None:
        """The record, its candidates where it is a vendor without a supplier, and its history."""
        found = await self.ask("held record", lambda desk: read_held(desk, tenant, kind, bill_id))
        self.show("held_record.html", found=found, record=found.record)


class SuggestionPart(Page):
    """``/held/TENANT/KIND/ID/suggestion``: a piece of the page that may take a moment."""

    async def get(self, tenant: str, kind: Kind, bill_id: str) -> None:
        """The lines of the tenant's file that would free it."""
        missing, problem = await self.ask(
            "suggestion", lambda desk: _suggest(desk, get_record(desk, tenant, kind, bill_id))
        )
        self.show_part("part_suggestion.html", missing=missing, problem=problem, tenant=tenant)


class LinkAction(Action):
    """``POST /held/TENANT/vendor/ID/link`` with the ``supplier``'s number."""

    async def post(self, tenant: str, kind: Kind, bill_id: str) -> None:
        """Tie the vendor to the supplier, as ``connector link`` does."""
        by, number = self.actor, (self.pick("supplier") or "").strip()
        if kind != "vendor":
            raise HTTPError(400, "only a vendor is linked to a supplier")

        def link(desk: Desk) -> str:
            if not number:
                raise UsageError("Give the supplier's number.")
            return link_vendor(desk, tenant, bill_id, number, by)

        await self.act("link", link, self.address("held-record", tenant, kind, bill_id))


def get_record(desk: Desk, tenant: str, kind: Kind, bill_id: str) -> Record:
    """The record. Raises UsageError when there is none of that id."""
    found = records.find(desk.conn, tenant, kind, bill_id)
    if found is None:
        raise UsageError(f"{tenant} has no {kind} {bill_id} here.")
    return found


def read_held(desk: Desk, tenant: str, kind: Kind, bill_id: str) -> HeldRecord:
    """The record with everything the page shows, without a call to either system."""
    record = get_record(desk, tenant, kind, bill_id)
    is_vendor = kind == "vendor"
    behind = held.count_behind(desk.conn, [(tenant, bill_id)]) if is_vendor else {}
    entries = history.list_entries(desk.conn, tenant, kind, bill_id)[-_HISTORY:]
    return HeldRecord(
        record=record,
        advice=advise_on(record, get_tenant(desk.conn, tenant)),
        detail=mask_text(record.detail or ""),
        held_at=held.find_held_at(desk.conn, tenant, kind, bill_id),
        candidates=_find_candidates(desk, record) if is_vendor and record.reason in LINKABLE else [],
        waiting=behind.get((tenant, bill_id), 0),
        history=[shown_entry(entry) for entry in entries],
    )


def link_vendor(desk: Desk, tenant: str, vendor_id: str, number: str, by: str) -> str:
    """Link by the command's own function; one line of what came of it."""
    row = desk.context.get_tenant(tenant)
    config, context = row.config, desk.context
    linker = Linker(config, desk.conn, context.bill(config), context.visma(config), context.clock)
    done = linker.link(vendor_id, number, by=by)
    text = f"{done.vendor_label} is linked to supplier {done.supplier.number} ({done.supplier.name})."
    if done.waiting:
        go = "goes" if done.waiting == 1 else "go"
        text += f" {count_of(done.waiting, 'bill')} that waited for it {go} on."
    if not row.is_active:
        return f"{text} {tenant} is paused or suspended: it is carried out once work goes on."
    return text if send(desk, done.due) else text + NOT_SENT


def _find_candidates(desk: Desk, record: Record) -> list[Candidate]:
    vendor = find_kept_vendor(record)
    if vendor is None:
        return []
    suppliers: list[dict[str, Any]] = held.list_suppliers(desk.conn, record.tenant)
    numbers = [supplier["number"] for supplier in suppliers]
    taken = records.find_linked_vendors(desk.conn, record.tenant, numbers)
    return rank_suppliers(vendor, suppliers, taken)


def _suggest(desk: Desk, record: Record) -> tuple[tuple[Missing, ...], str | None]:
    """The tables that lack entries; or why that cannot be told."""
    if record.content is None or record.kind != "bill":
        return (), "BILL's content of this record is not kept here."
    config = desk.context.get_tenant(record.tenant).config
    try:
        bill = parse_bill(jsontext.loads(record.content))
        keys = {"chartOfAccountId", *(segment.source for segment in config.mapping.segments)}
        lists = desk.context.lists(config)
        codes = load_lists_codes(desk, config, keys)
        return suggest_for_bill(bill, config.mapping, codes, lists.visma_lists()), None
    except ConnectorError as error:
        return (), f"It cannot be told now: {mask_text(str(error))}"
