"""Sends webhook notifications: signed, concurrent, retried, and spoiled where a rule says so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from deploy.sandbox.bill.models import Event, Organization, Subscription
from deploy.sandbox.bill.signature import HEADER, sign
from deploy.sandbox.clock import Clock, iso_utc
from deploy.sandbox.faults import FaultBook
from deploy.sandbox.ids import Ids
from deploy.sandbox.jsonio import Json, dumps, loads
from deploy.sandbox.tasks import Tasks

_KEPT = 50_000
_AT_ONCE = 64


@dataclass(slots=True)
class _Plan:
    """What becomes of one notification."""

    copies: int = 1
    delay_s: float = 0.0
    form: str = "minified"
    reorder: int = 0


@dataclass(slots=True)
class _Parcel:
    org: Organization
    subscription: Subscription
    event: Event
    form: str


class HookSender:
    """Delivers events of all organizations and keeps a list of every attempt."""

    def __init__(
        self, clock: Clock, ids: Ids, faults: FaultBook, tasks: Tasks, bump: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._faults = faults
        self._tasks = tasks
        self._bump = bump
        self._client: aiohttp.ClientSession | None = None
        self._held: list[_Parcel] = []
        self.attempts: deque[Json] = deque(maxlen=_KEPT)

    def emit(self, org: Organization, type: str, entity_id: str, noun: str, body: Json) -> None:
        """Tell every subscription that asked for this type."""
        for subscription in list(org.subscriptions.values()):
            asked = any(event["type"] == type for event in subscription.events)
            if asked and (subscription.enabled or org.settings.webhook_log_while_disabled):
                event = self.make_event(org, subscription, type, entity_id, noun, body)
                if subscription.enabled:
                    self._dispatch(org, subscription, event)

    def make_event(
        self, org: Organization, subscription: Subscription, type: str, entity_id: str, noun: str, body: Json
    ) -> Event:
        """A new entry of the delivery log."""
        event_id = self._ids.guid()
        metadata = {"eventId": event_id, "subscriptionId": subscription.id, "organizationId": org.id}
        payload = dumps({"metadata": {**metadata, "eventType": type, "version": "1"}, noun: body})
        event = Event(event_id, type, subscription.id, entity_id, payload, self._clock.now())
        org.events[event_id] = event
        return event

    def resend(self, org: Organization, subscription: Subscription, event: Event) -> None:
        """Deliver an event of the log once more."""
        self._start(_Parcel(org, subscription, event, org.settings.webhook_form))

    def flush(self) -> int:
        """Send what waits to be reordered, last first; gives how many."""
        held, self._held = self._held, []
        self._tasks.spawn(self._deliver_in_order(list(reversed(held))))
        return len(held)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    def _dispatch(self, org: Organization, subscription: Subscription, event: Event) -> None:
        plan = self._plan(org, subscription, event)
        parcel = _Parcel(org, subscription, event, plan.form)
        if not subscription.enabled or plan.copies == 0:
            return
        if plan.reorder:
            self._held += [parcel] * plan.copies
            if len(self._held) >= plan.reorder:
                self.flush()
            return
        for _ in range(plan.copies):
            if plan.delay_s:
                self._tasks.after(plan.delay_s, lambda: self._start(parcel))
            else:
                self._start(parcel)

    def _plan(self, org: Organization, subscription: Subscription, event: Event) -> _Plan:
        plan = _Plan(form=org.settings.webhook_form)
        for rule in self._faults.strike("webhook", org.id, "POST", event.type, event.payload.encode()):
            kind = rule.action["kind"]
            if kind == "drop_hook":
                plan.copies = 0
            elif kind == "repeat_hook":
                plan.copies = int(rule.action.get("copies", 2))
            elif kind == "delay_hook":
                plan.delay_s = float(rule.action.get("seconds", 1))
            elif kind == "reorder_hooks":
                plan.reorder = int(rule.action.get("count", 2))
            elif kind == "shape_hook":
                plan.form = str(rule.action.get("form", "escaped"))
            elif kind == "disable_hook":
                subscription.enabled = False
        return plan

    def _start(self, parcel: _Parcel) -> None:
        self._tasks.spawn(self._deliver(parcel))

    async def _deliver_in_order(self, parcels: list[_Parcel]) -> None:
        for parcel in parcels:
            await self._deliver(parcel)

    async def _deliver(self, parcel: _Parcel) -> None:
        settings, subscription = parcel.org.settings, parcel.subscription
        gap_s = settings.webhook_gap_s
        for attempt in range(settings.webhook_retries + 1):
            if attempt:
                await asyncio.sleep(gap_s)
                gap_s *= settings.webhook_gap_growth
            if not subscription.enabled or subscription.id not in parcel.org.subscriptions:
                return
            if await self._attempt(parcel) == 200:
                return
        subscription.enabled = False
        subscription.updated_at = self._clock.now()
        self._bump()

    async def _attempt(self, parcel: _Parcel) -> int:
        body, signed = written(parcel.event.payload, parcel.form)
        headers = {"Content-Type": "application/json", HEADER: sign(parcel.subscription.security_key, signed)}
        timeout = aiohttp.ClientTimeout(total=parcel.org.settings.webhook_timeout_s)
        status, error = 0, ""
        try:
            async with self._session().post(
                parcel.subscription.url, data=body, headers=headers, timeout=timeout
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as problem:
            error = type(problem).__name__
        parcel.event.attempts += 1
        parcel.event.status_code = status
        self._note(parcel, status, error)
        return status

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE))
        return self._client

    def _note(self, parcel: _Parcel, status: int, error: str) -> None:
        event = parcel.event
        self.attempts.append(
            {
                "at": iso_utc(self._clock.now()),
                "organization": parcel.org.id,
                "subscription": parcel.subscription.id,
                "event": event.id,
                "type": event.type,
                "entity": event.entity_id,
                "attempt": event.attempts,
                "status": status,
                "error": error,
            }
        )
        self._bump()


def written(payload: str, form: str) -> tuple[bytes, bytes]:
    """The body as sent and the bytes that are signed.

    BILL speaks of the minified JSON and of a JSON-escaped string (BILL reference: signature), so
    ``minified``: both the same; ``escaped``: a JSON string, signed as sent; ``escaped_inner``: a JSON
    string, the JSON in it signed; ``spaced``: with spaces, the minified JSON signed.
    """
    minified = payload.encode()
    if form == "escaped":
        return dumps(payload).encode(), dumps(payload).encode()
    if form == "escaped_inner":
        return dumps(payload).encode(), minified
    if form == "spaced":
        return _spaced(payload).encode(), minified
    return minified, minified


def _spaced(payload: str) -> str:
    return ",\n ".join(f'"{name}": {dumps(part)}' for name, part in loads(payload).items()).join("{}")
