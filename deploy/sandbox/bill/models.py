"""What BILL keeps: organizations with their users, sessions, records and settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from deploy.sandbox.clock import Clock, Stamps
from deploy.sandbox.jsonio import Json
from deploy.sandbox.options import change

CLASSIFICATIONS = {
    "accounting-classes": ("accountingClasses", "cls"),
    "chart-of-accounts": ("chartOfAccounts", "0ca"),
    "departments": ("departments", "0de"),
    "locations": ("locations", "loc"),
    "jobs": ("jobs", "job"),
    "items": ("items", "0ii"),
    "employees": ("employees", "emp"),
}
"""Route name -> (key of bulk answers, id prefix) (BILL reference: classifications, ID prefixes)."""


@dataclass(slots=True)
class BillSettings:
    """Where BILL's behaviour is unknown or configurable; times in seconds."""

    session_idle_s: float = 35 * 60
    token_idle_s: float = 48 * 3600
    limit_status: int = 422
    login_refused_status: int = 400
    concurrency: int = 3
    calls_per_hour: int = 20_000
    logins_per_hour: int = 200
    error_shape: str = "array"
    equal_updated_time: bool = False
    approval_bumps_updated_time: bool = True
    visibility_lag_s: float = 0.0
    cursor_life_s: float = 0.0
    token_may_manage_webhooks: bool = True
    webhook_timeout_s: float = 10.0
    webhook_retries: int = 5
    webhook_gap_s: float = 0.2
    webhook_gap_growth: float = 2.0
    webhook_form: str = "minified"
    webhook_log_while_disabled: bool = True


@dataclass(slots=True)
class User:
    """A user, or an AP & AR sync token whose name and value log in like one."""

    id: str
    username: str
    password: str = field(repr=False)
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    role: str = "ADMINISTRATOR"
    is_token: bool = False
    trusted: bool = False
    archived: bool = False
    created_at: datetime | None = None


@dataclass(slots=True)
class DevKey:
    """A developer key, shared by every organization of one integration, with its hour's use."""

    key: str = field(repr=False)
    active: bool = True
    hour: int = -1
    calls: int = 0
    logins: int = 0


@dataclass(slots=True)
class Session:
    """A login. It ends after ``idle_s`` without a call."""

    id: str = field(repr=False)
    organization_id: str
    user: User
    dev_key: str = field(repr=False)
    idle_s: float
    last_used_at: datetime


@dataclass(slots=True)
class Entry:
    """One record; ``body`` is what the API shows without id, archived and times."""

    id: str
    body: Json
    created_at: datetime
    updated_at: datetime
    visible_at: datetime
    archived: bool = False
    draft: bool = False


class Shelf:
    """The records of one kind, with the orders of recent lists kept until something changes."""

    _KEEP = 16

    def __init__(self) -> None:
        self.rows: dict[str, Entry] = {}
        self._views: dict[object, list[Entry]] = {}

    def put(self, entry: Entry) -> None:
        """Add a record, or say that one changed."""
        self.rows[entry.id] = entry
        self._views.clear()

    def view(self, key: object, build: Callable[[], list[Entry]]) -> list[Entry]:
        """The list ``build`` makes, remembered under ``key`` while no record changes."""
        found = self._views.get(key)
        if found is None:
            if len(self._views) >= self._KEEP:
                self._views.clear()
            found = self._views[key] = build()
        return found


@dataclass(slots=True)
class Subscription:
    """A webhook subscription. ``security_key`` signs; it is shown once."""

    id: str
    organization_id: str
    name: str
    events: list[Json]
    url: str
    enabled: bool
    security_key: str = field(repr=False)
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Event:
    """An entry of the delivery log (BILL reference: EventDto)."""

    id: str
    type: str
    subscription_id: str
    entity_id: str
    payload: str
    created_at: datetime
    status_code: int | None = None
    attempts: int = 0


@dataclass(slots=True)
class BillDocument:
    """A file attached to a bill."""

    id: str
    bill_id: str
    name: str
    content: bytes
    created_at: datetime


@dataclass(slots=True)
class Replay:
    """A remembered answer to an ``X-Idempotent-Key``."""

    at: datetime
    body: str


class Organization:
    """One BILL organization and everything in it."""

    def __init__(self, id: str, name: str, dev_key: str, clock: Clock) -> None:
        self.id = id
        self.name = name
        self.dev_key = dev_key
        self.settings = BillSettings()
        self.stamps = Stamps(clock)
        self.locked = False
        self.users: dict[str, User] = {}
        self.vendors = Shelf()
        self.bills = Shelf()
        self.classifications = {name: Shelf() for name in CLASSIFICATIONS}
        self.documents: dict[str, BillDocument] = {}
        self.policies: dict[str, Json] = {}
        self.payments: dict[str, Json] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.replays: dict[str, Replay] = {}
        self.events: dict[str, Event] = {}

    def change_settings(self, wanted: Json) -> None:
        """Set the named settings; raises BadOption."""
        change(self.settings, wanted)
        self.stamps.frozen = self.settings.equal_updated_time
