"""All of BILL: organizations, developer keys and sessions, and what a change of a record sets off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.sandbox.bill.hooks import HookSender
from deploy.sandbox.bill.models import BillSettings, DevKey, Entry, Organization, Session, Shelf
from deploy.sandbox.clock import Clock
from deploy.sandbox.ids import Ids
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Call


class BillWorld:
    """BILL as one installation holds it; developer keys are shared by organizations."""

    def __init__(self, clock: Clock, ids: Ids, hooks: HookSender) -> None:
        self.clock = clock
        self.ids = ids
        self.hooks = hooks
        self.defaults = BillSettings()
        self.organizations: dict[str, Organization] = {}
        self.dev_keys: dict[str, DevKey] = {}
        self.sessions: dict[str, Session] = {}

    def add_entry(
        self, org: Organization, kind: str, prefix: str, body: Json, *, draft: bool = False
    ) -> Entry:
        """A new record of ``kind`` (vendors, bills, or a classification's route name)."""
        now = org.stamps.next()
        seen_at = now + timedelta(seconds=org.settings.visibility_lag_s)
        entry = Entry(self.ids.bill(prefix), body, now, now, seen_at, archived=draft, draft=draft)
        shelf_of(org, kind).put(entry)
        return entry

    def touch(self, org: Organization, kind: str, entry: Entry, *, bump: bool = True) -> None:
        """Say that a record changed; ``bump`` False leaves ``updatedTime`` as it was."""
        if bump:
            entry.updated_at = org.stamps.next()
            entry.visible_at = entry.updated_at + timedelta(seconds=org.settings.visibility_lag_s)
        shelf_of(org, kind).put(entry)

    def expire_sessions(self, organization_id: str) -> int:
        """End every session of an organization; gives how many there were."""
        ended = [key for key, session in self.sessions.items() if session.organization_id == organization_id]
        for key in ended:
            del self.sessions[key]
        return len(ended)

    def live_session(self, session_id: str, now: datetime) -> Session | None:
        """The session if it has not been idle too long; using it starts its idle time anew."""
        session = self.sessions.get(session_id)
        if session is None:
            return None
        if (now - session.last_used_at).total_seconds() > session.idle_s:
            del self.sessions[session_id]
            return None
        session.last_used_at = now
        return session


def shelf_of(org: Organization, kind: str) -> Shelf:
    """The organization's records of one kind."""
    if kind == "vendors":
        return org.vendors
    return org.bills if kind == "bills" else org.classifications[kind]


@dataclass(slots=True)
class Visit:
    """One authenticated request: who asks, for which organization."""

    call: Call
    world: BillWorld
    org: Organization
    session: Session
