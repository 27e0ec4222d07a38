"""BILL's own log of the notifications it sent: what never reached us is taken from there.

BILL delivers a notification a few times, then gives up and switches the subscription off; what it sent is
in its log for 180 days (BILL reference: webhooks, delivery). The log is compared with the events table by
event id, and what is missing goes the way of a webhook. Delivery is switched on before the log is read, so
that nothing falls between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import logs
from shared.bill.client import format_since
from shared.bill.events import is_handled, parse_event
from shared.bill.models import Page, Subscription
from shared.bill.subscriptions import LoggedEvent, Subscriptions
from shared.errors import NotFound, Permanent, Retryable
from shared.store import events, watermarks
from shared.store.pool import Conn, Pool
from shared.stream import StreamEntry
from shared.tenants import TenantConfig
from workers.sync.drain import store_entries
from workers.sync.poll import RECOVER_S, PollWork, Walked

log = logs.get_logger(__name__)

SOURCE, KIND = "events", "event"
OVERLAP = timedelta(hours=24)
"""BILL goes on trying to deliver for a time it does not tell, and its clock is not ours."""
KEPT = timedelta(days=180)
SLICE = timedelta(days=2)
"""The log is walked in parts of this length: a long walk that is broken off goes on where it was."""

Reached = Callable[[str | None], None]
"""Told before every page; with a position where everything before it is stored."""
IsOver = Callable[[], bool]


def _never() -> bool:
    return False


def _ignore(position: str | None) -> None:
    """Nobody has to know how far the walk is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """BILL's log beside the events table: how many it ``listed``, and how many of them are ``missing``.

    ``unreadable`` ones are neither; ``switched_on`` says that delivery had been off, ``is_whole`` that the
    walk came to its end.
    """

    listed: int = 0
    missing: int = 0
    unreadable: int = 0
    switched_on: bool = False
    is_whole: bool = True

    def with_part(self, part: _Part) -> Comparison:
        """The comparison with one more page of the log."""
        return replace(
            self,
            listed=self.listed + part.listed,
            missing=self.missing + len(part.missing),
            unreadable=self.unreadable + len(part.unreadable),
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A page of the log, without what does not concern the sync; the entries are not in the events table."""

    listed: int
    missing: list[StreamEntry]
    unreadable: list[StreamEntry]


@dataclass(frozen=True, slots=True)
class DeliveryLog:
    """What BILL sent, or tried to send, through a tenant's webhook subscription."""

    tenant: TenantConfig
    subscription_id: str
    upstream: Subscriptions
    pool: Pool
    clock: Callable[[], datetime]

    def recover(self, position: str | None, reached: Reached, is_over: IsOver = _never) -> Comparison:
        """Switch delivery on and store what is missing since ``position``, with an overlap.

        What becomes due is left to be dispatched. Ends early once ``is_over``. Raises what BILL's calls
        raise.
        """
        subscription = self._fetch_subscription()
        if not subscription.enabled:
            self.upstream.set_enabled(subscription.id, True)
            log.warning(
                "webhook subscription switched on again",
                action="webhook.reenabled",
                tenant=self.tenant.id,
                subscription=subscription.id,
            )
            with self.pool.connection() as conn:  # what BILL did not even try to send is in its lists alone
                watermarks.poll_now(conn, self.tenant.id, source="bill")
        compared = self._compare(subscription, position, reached, store=True, is_over=is_over)
        return replace(compared, switched_on=not subscription.enabled)

    def compare(self, position: str | None) -> Comparison:
        """What :meth:`recover` would find; nothing is changed."""
        return self._compare(self._fetch_subscription(), position, _ignore, store=False)

    def _compare(
        self,
        subscription: Subscription,
        position: str | None,
        reached: Reached,
        *,
        store: bool,
        is_over: IsOver = _never,
    ) -> Comparison:
        found = Comparison()
        for since, until in self._slices(self._since(subscription, position)):
            for page in self._pages(since, until, reached):
                part = self._split(page)
                found = found.with_part(part)
                if store and (part.missing or part.unreadable):
                    with self.pool.connection() as conn:
                        store_entries(conn, [*part.missing, *part.unreadable])
            if until is not None:
                reached(format_since(until))
                if is_over():
                    return replace(found, is_whole=False)
        return found

    def _slices(self, since: datetime) -> Iterator[tuple[datetime, datetime | None]]:
        """Parts of the log; the last has no end, so that what happens meanwhile is in it."""
        now = self.clock()
        while since + SLICE < now:
            yield since, since + SLICE
            since += SLICE
        yield since, None

    def _pages(
        self, since: datetime, until: datetime | None, reached: Reached
    ) -> Iterator[Page[LoggedEvent]]:
        cursor, seen = None, set[str]()
        while True:
            reached(None)
            page = self._fetch_page(since, until, cursor)
            yield page
            cursor = page.next_page
            if cursor is None:
                return
            if cursor in seen:
                raise Retryable("BILL's log of notifications does not end")
            seen.add(cursor)

    def _fetch_page(self, since: datetime, until: datetime | None, cursor: str | None) -> Page[LoggedEvent]:
        try:
            return self.upstream.list_events(
                self.subscription_id, created_from=since, created_to=until, cursor=cursor
            )
        except Permanent as error:
            if cursor is None:
                raise
            raise Retryable(f"the walk over BILL's log of notifications must begin anew: {error}") from error

    def _split(self, page: Page[LoggedEvent]) -> _Part:
        for problem in page.unusable:
            log.error("logged event cannot be used", action="webhook.unusable_log", why=problem)
        now = self.clock()
        readable: dict[str, StreamEntry] = {}
        unreadable: list[StreamEntry] = []
        for logged in page.results:
            if not is_handled(logged.type):
                continue
            entry = StreamEntry(
                logged.id, self.tenant.id, logged.payload.encode("utf-8", "surrogatepass"), now
            )
            event_id = _find_event_id(entry)
            if event_id is None:
                unreadable.append(entry)
            else:
                readable[event_id] = entry
        with self.pool.connection() as conn:
            known = events.find_known(conn, self.tenant.id, list(readable))
        missing = [entry for event_id, entry in readable.items() if event_id not in known]
        return _Part(len(readable) + len(unreadable), missing, unreadable)

    def _since(self, subscription: Subscription, position: str | None) -> datetime:
        oldest = self.clock() - KEPT
        since = datetime.fromisoformat(position) if position else subscription.created_at or oldest
        return max(since - OVERLAP, oldest)

    def _fetch_subscription(self) -> Subscription:
        try:
            return self.upstream.fetch(self.subscription_id)
        except NotFound as error:
            raise Permanent(
                f"BILL does not know webhook subscription {self.subscription_id} any more: "
                f"run `connector webhook subscribe {self.tenant.id}`"
            ) from error


def walk_events(work: PollWork, find_log: Callable[[TenantConfig], DeliveryLog | None]) -> Walked:
    """The hourly comparison, or a piece of it; a tenant without a subscription has nothing to compare."""
    started_at = work.clock()
    try:
        found = find_log(work.tenant)
        if found is None:
            work.complete(None, started_at)
            return Walked(0)
        compared = found.recover(work.find_position(), work.hold, lambda: work.is_over)
    except Permanent as error:  # a missing permission, a deleted subscription: no use to ask every minute
        raise Retryable(str(error), retry_after_s=RECOVER_S) from error
    tell(work.tenant.id, compared)
    listed = compared.listed + (int(work.resume["listed"]) if work.resume else 0)
    if not compared.is_whole:
        return Walked(listed, resume={"listed": listed})
    work.complete(format_since(started_at), started_at)
    return Walked(listed)


def recover_now(conn: Conn, found: DeliveryLog) -> Comparison:
    """The comparison for a person who asks for it, beside whatever the hourly one does."""
    started_at = found.clock()
    watermark = watermarks.find_watermark(conn, found.tenant.id, SOURCE, KIND)
    compared = found.recover(watermark["position"] if watermark else None, _ignore)
    watermarks.note_walk(
        conn, found.tenant.id, SOURCE, KIND, position=format_since(started_at), started_at=started_at
    )
    tell(found.tenant.id, compared)
    return compared


def tell(tenant: str, compared: Comparison) -> None:
    """Log what was missing, if anything was."""
    if compared.missing or compared.unreadable:
        log.warning(
            "notifications fetched from BILL's log",
            action="webhook.recovered",
            tenant=tenant,
            listed=compared.listed,
            missing=compared.missing,
            unreadable=compared.unreadable,
        )


def _find_event_id(entry: StreamEntry) -> str | None:
    """The id under which the event was, or will be, stored; None where the drain cannot read it either."""
    try:
        return parse_event(entry.body).event_id
    except ValueError:
        return None
