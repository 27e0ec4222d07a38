"""BILL's webhook subscriptions and its log of deliveries, under the tenant's ``events_url``.

BILL reference: webhooks. The security key is shown once, when a subscription or a key is made; both
calls carry an idempotency key, so that a lost answer can be asked for again within 24 hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from shared.bill.calls import BillCalls, expect_object
from shared.bill.client import format_since
from shared.bill.models import Page, Subscription
from shared.bill.schema_fields import ID, parse_timestamp
from shared.bill.schemas import parse_subscription
from shared.errors import OutcomeUnknown, Retryable
from shared.http import Answer, Params
from shared.secret import Secret

EVENT_VERSION: Final = "1"
PAGE_SIZE: Final = 100
_LIST = "/v3/subscriptions"
_ONE = "/v3/subscriptions/{id}"
_KEY = "/v3/subscriptions/{id}/security_key"
_LOG = "/v3/events/subscription/{id}"
_RESEND = "/v3/events/subscription/{id}/event/{event}"
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class CreatedSubscription:
    """A new subscription with the key that BILL will never show again: seal it first."""

    subscription: Subscription
    security_key: Secret


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """A notification as BILL logged it; ``payload`` is the body it sent, ``status_code`` our answer.

    ``id`` is the notification's event id.
    """

    id: str
    type: str
    payload: str = field(repr=False)
    created_at: datetime | None = None
    status_code: int | None = None


class Subscriptions:
    """The webhook subscriptions of one tenant's organization (at most ten)."""

    def __init__(self, calls: BillCalls) -> None:
        self._calls = calls

    def fetch_all(self) -> tuple[Subscription, ...]:
        """Every subscription of the organization."""
        found: list[Subscription] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            results, cursor = self._fetch_page(_LIST, self._url(_LIST), {}, cursor)
            found += [parse_subscription(expect_object(item, _LIST)) for item in results]
            if cursor is None:
                return tuple(found)
        raise Retryable(f"BILL's list {_LIST} does not end")

    def fetch(self, subscription_id: str) -> Subscription:
        """One subscription; ``NotFound`` for an unknown id."""
        url = self._url(_ONE, id=subscription_id)
        return parse_subscription(expect_object(self._calls.fetch_json(_ONE, url), _ONE))

    def find_by_url(self, notification_url: str) -> Subscription | None:
        """The subscription that delivers to this URL, if there is one."""
        return next((one for one in self.fetch_all() if one.notification_url == notification_url), None)

    def create(
        self, *, name: str, notification_url: str, event_types: Sequence[str], idempotency_key: UUID
    ) -> CreatedSubscription:
        """Subscribe. Keep ``idempotency_key`` (version 4) until the security key is sealed.

        Repeated with the same key within 24 h, it answers as the first time; ``OutcomeUnknown`` when
        the answer was lost.
        """
        body = {
            "name": name,
            "status": {"enabled": True},
            "events": [{"type": event_type, "version": EVENT_VERSION} for event_type in event_types],
            "notificationUrl": notification_url,
        }
        answer = self._calls.call(
            "POST", self._url(_LIST), route=_LIST, body=body, headers=_idempotent(idempotency_key)
        )
        content = _written(answer, _LIST)
        return CreatedSubscription(parse_subscription(content), _security_key(content, _LIST))

    def rotate_key(self, subscription_id: str, *, idempotency_key: UUID) -> Secret:
        """Make a new security key; whether BILL still signs with the old one for a while is unknown."""
        answer = self._calls.call(
            "POST",
            self._url(_KEY, id=subscription_id),
            route=_KEY,
            body={},
            headers=_idempotent(idempotency_key),
        )
        return _security_key(_written(answer, _KEY), _KEY)

    def set_enabled(self, subscription_id: str, enabled: bool) -> None:
        """Switch delivery on or off; BILL switches it off itself after too many failures."""
        url = self._url(_ONE, id=subscription_id)
        self._calls.call("PATCH", url, route=_ONE, body={"status": {"enabled": enabled}})

    def list_events(
        self,
        subscription_id: str,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        cursor: str | None = None,
    ) -> Page[LoggedEvent]:
        """One page of the delivery log, which BILL keeps for 180 days."""
        params: dict[str, str] = {}
        if created_from is not None:
            params["createdTimeFrom"] = format_since(created_from)
        if created_to is not None:
            params["createdTimeTo"] = format_since(created_to)
        url = self._url(_LOG, id=subscription_id)
        results, following = self._fetch_page(_LOG, url, params, cursor)
        events = [_to_event(item) for item in results]
        unusable = ("logged event without id, type or payload",) * events.count(None)
        return Page(tuple(event for event in events if event is not None), following, unusable)

    def resend(self, subscription_id: str, event_id: str) -> None:
        """Let BILL deliver a logged notification again."""
        url = self._url(_RESEND, id=subscription_id, event=event_id)
        self._calls.call("POST", url, route=_RESEND, body={})

    def _fetch_page(
        self, route: str, url: str, params: dict[str, str], cursor: str | None
    ) -> tuple[list[Any], str | None]:
        paged: Params = params | {"max": str(PAGE_SIZE)} | ({} if cursor is None else {"page": cursor})
        content = self._calls.fetch_json(route, url, paged)
        if isinstance(content, list):  # the envelope is not documented for webhooks
            return content, None
        results = expect_object(content, route).get("results")
        following = content.get("nextPage") or None
        if not isinstance(results, list) or (cursor is not None and following == cursor):
            raise Retryable(f"BILL's list {route} is not a list, or repeats a page")
        return results, following

    def _url(self, route: str, **ids: str) -> str:
        for one in ids.values():
            if not ID.fullmatch(one):
                raise ValueError("not an id that BILL could have given")
        quoted = {name: quote(one, safe="") for name, one in ids.items()}
        return self._calls.config.events_url + route.format(**quoted)


def _idempotent(key: UUID) -> Mapping[str, str]:
    if key.version != 4:
        raise ValueError("BILL takes version 4 UUIDs only")
    return {"X-Idempotent-Key": str(key)}


def _written(answer: Answer, route: str) -> Mapping[str, Any]:
    return expect_object(answer.find_json(), route, write=True)


def _security_key(content: Mapping[str, Any], route: str) -> Secret:
    key = content.get("securityKey")
    if not isinstance(key, str) or not key:
        raise OutcomeUnknown(f"BILL's answer to {route} holds no security key: rotate it")
    return Secret(key)


def _to_event(item: object) -> LoggedEvent | None:
    if not isinstance(item, dict):
        return None
    event_id, event_type, payload = (item.get(name) for name in ("id", "type", "payload"))
    if not isinstance(event_id, str) or not isinstance(event_type, str) or not isinstance(payload, str):
        return None
    status = item.get("statusCode")
    return LoggedEvent(
        event_id,
        event_type,
        payload,
        _time(item.get("createdTime")),
        status if isinstance(status, int) else None,
    )


def _time(text: object) -> datetime | None:
    try:
        return parse_timestamp(text) if isinstance(text, str) else None
    except ValueError:
        return None
