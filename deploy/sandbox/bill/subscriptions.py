"""Webhook subscriptions, their keys, the delivery log (BILL reference: webhooks)."""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from deploy.sandbox.bill.errors import Refusal, bad_parameter, missing, not_found
from deploy.sandbox.bill.fields import take_text, wrong
from deploy.sandbox.bill.filters import parse_time
from deploy.sandbox.bill.models import Event, Replay, Subscription
from deploy.sandbox.bill.paging import Cursor, parse_cursor, parse_max
from deploy.sandbox.bill.world import Visit
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json, dumps, loads
from deploy.sandbox.wire import Reply, json_reply

CATALOG = [
    *(
        f"{noun}.{verb}"
        for noun in ("vendor", "bill")
        for verb in ("created", "updated", "archived", "restored")
    ),
    *("payment.updated", "payment.failed", "bank-account.created", "bank-account.updated"),
    *("card-account.created", "card-account.updated", "risk-verification.updated"),
]
_MOST = 10
_REPLAY = timedelta(hours=24)


def list_catalog(visit: Visit) -> Reply:
    """``GET /v3/events/catalog``."""
    return json_reply([{"type": name, "versions": ["1"]} for name in CATALOG])


def list_subscriptions(visit: Visit) -> Reply:
    """``GET /v3/subscriptions``: forward-only pages, without the keys."""
    _require_permission(visit)
    return json_reply(
        _page(visit, [_shown(item) for item in visit.org.subscriptions.values()], "subscriptions")
    )


def post_subscription(visit: Visit) -> Reply:
    """``POST /v3/subscriptions``: the only answer, with a key rotation's, that shows ``securityKey``."""
    _require_permission(visit)
    replayed = _replay(visit)
    if replayed is not None:
        return replayed
    body = visit.call.json_object()
    if len(visit.org.subscriptions) >= _MOST:
        raise Refusal(422, "BDC_1119", f"At most {_MOST} subscriptions per organization.")
    events, url = _events(body), _url(body)
    _refuse_same(visit, events, url)
    now = visit.world.clock.now()
    subscription = Subscription(
        id=visit.world.ids.guid(),
        organization_id=visit.org.id,
        name=str(take_text(body, "name", required=True)),
        events=events,
        url=url,
        enabled=_enabled(body, default=True),
        security_key=_new_key(),
        created_at=now,
        updated_at=now,
    )
    visit.org.subscriptions[subscription.id] = subscription
    return _remember(visit, {**_shown(subscription), "securityKey": subscription.security_key})


def fetch_subscription(visit: Visit) -> Reply:
    """``GET /v3/subscriptions/{id}``."""
    return json_reply(_shown(_get(visit)))


def change_subscription(visit: Visit) -> Reply:
    """``PATCH`` changes name, status and URL; ``PUT`` replaces the events as well."""
    subscription, body = _get(visit), visit.call.json_object()
    if visit.call.method == "PUT":
        subscription.events = _events(body)
    if visit.call.method == "PUT" or "notificationUrl" in body:
        subscription.url = _url(body)
    if "name" in body:
        subscription.name = str(take_text(body, "name", required=True))
    subscription.enabled = _enabled(body, default=subscription.enabled)
    subscription.updated_at = visit.world.clock.now()
    return json_reply(_shown(subscription))


def delete_subscription(visit: Visit) -> Reply:
    """``DELETE /v3/subscriptions/{id}``."""
    del visit.org.subscriptions[_get(visit).id]
    return Reply(200)


def post_security_key(visit: Visit) -> Reply:
    """``POST /v3/subscriptions/{id}/security_key``: the old key stops signing at once."""
    subscription = _get(visit)
    replayed = _replay(visit)
    if replayed is not None:
        return replayed
    subscription.security_key = _new_key()
    return _remember(visit, {"securityKey": subscription.security_key})


def post_test(visit: Visit) -> Reply:
    """``POST /v3/subscriptions/{id}/test``: sends a made-up notification."""
    subscription, body = _get(visit), visit.call.json_object()
    type = str(body.get("eventType", "bill.created"))
    if type not in CATALOG:
        raise wrong("eventType")
    noun = type.partition(".")[0]
    entity = body.get(noun) or {"id": f"test-{noun}-id"}
    hooks = visit.world.hooks
    event = hooks.make_event(visit.org, subscription, type, str(entity.get("id")), noun, entity)
    hooks.resend(visit.org, subscription, event)
    return json_reply(event_json(event))


def list_events(visit: Visit) -> Reply:
    """``GET /v3/events/subscription/{id}``: the delivery log, newest kept 180 days, oldest first here."""
    subscription = _get(visit)
    query = visit.call.query
    start, end = _time(query.get("createdTimeFrom")), _time(query.get("createdTimeTo"))
    rows = [
        event_json(event)
        for event in visit.org.events.values()
        if event.subscription_id == subscription.id
        and query.get("entityId", event.entity_id) == event.entity_id
        and (start is None or event.created_at >= start)
        and (end is None or event.created_at <= end)
    ]
    return json_reply(_page(visit, rows, "events"))


def post_resend(visit: Visit) -> Reply:
    """``POST /v3/events/subscription/{id}/event/{eventId}``: deliver once more."""
    subscription = _get(visit)
    event = visit.org.events.get(visit.call.params["event"])
    if event is None or event.subscription_id != subscription.id:
        raise not_found()
    visit.world.hooks.resend(visit.org, subscription, event)
    return json_reply(event_json(event))


def event_json(event: Event) -> Json:
    """An EventDto; ``payload`` is a JSON string."""
    shown: Json = {
        "id": event.id,
        "type": event.type,
        "version": "1",
        "subscriptionId": event.subscription_id,
        "payload": event.payload,
        "createdTime": iso_utc(event.created_at),
    }
    return shown if event.status_code is None else {**shown, "statusCode": event.status_code}


def _get(visit: Visit) -> Subscription:
    _require_permission(visit)
    subscription = visit.org.subscriptions.get(visit.call.params["id"])
    if subscription is None:
        raise not_found()
    return subscription


def _require_permission(visit: Visit) -> None:
    if visit.session.user.is_token and not visit.org.settings.token_may_manage_webhooks:
        raise Refusal(403, "BDC_1119", "The user has no permission to manage webhooks.")


def _shown(subscription: Subscription) -> Json:
    return {
        "id": subscription.id,
        "name": subscription.name,
        "organizationId": subscription.organization_id,
        "status": {"enabled": subscription.enabled},
        "events": subscription.events,
        "notificationUrl": subscription.url,
        "createdTime": iso_utc(subscription.created_at),
        "updatedTime": iso_utc(subscription.updated_at),
    }


def _events(body: Json) -> list[Json]:
    events = body.get("events")
    if not isinstance(events, list) or not events:
        raise missing("events")
    for event in events:
        if not isinstance(event, dict) or event.get("type") not in CATALOG or event.get("version") != "1":
            raise wrong("events")
    return [{"type": event["type"], "version": "1"} for event in events]


def _url(body: Json) -> str:
    url = str(take_text(body, "notificationUrl", required=True))
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return url
    raise wrong("notificationUrl")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _enabled(body: Json, *, default: bool) -> bool:
    if "status" not in body:
        return default
    status = body["status"]
    if not isinstance(status, dict) or not isinstance(status.get("enabled"), bool):
        raise wrong("status")
    return bool(status["enabled"])


def _refuse_same(visit: Visit, events: list[Json], url: str) -> None:
    types = {event["type"] for event in events}
    for other in visit.org.subscriptions.values():
        if other.url == url and {event["type"] for event in other.events} == types:
            raise Refusal(422, "BDC_1119", "A subscription with the same events and URL exists.")


def _replay(visit: Visit) -> Reply | None:
    """The remembered answer to this ``X-Idempotent-Key``; raises Refusal unless it is a UUID4."""
    key = visit.call.headers.get("X-Idempotent-Key", "")
    try:
        good = uuid.UUID(key).version == 4
    except ValueError:
        good = False
    if not good:
        raise Refusal(400, "BDC_1119", "X-Idempotent-Key must be a UUID4.")
    found = visit.org.replays.get(f"{visit.call.path} {key}")
    if found is None or visit.world.clock.now() - found.at > _REPLAY:
        return None
    return json_reply(loads(found.body))


def _remember(visit: Visit, answer: Json) -> Reply:
    key = f"{visit.call.path} {visit.call.headers['X-Idempotent-Key']}"
    visit.org.replays[key] = Replay(visit.world.clock.now(), dumps(answer))
    return json_reply(answer)


def _page(visit: Visit, rows: list[Json], kind: str) -> Json:
    size = parse_max(visit.call.query)
    page = visit.call.query.get("page")
    start = parse_cursor(page, kind).start if page else 0
    answer: Json = {"results": rows[start : start + size]}
    if start + size < len(rows):
        answer["nextPage"] = Cursor(kind, start + size, "", "", 0.0).text()
    return answer


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise bad_parameter("createdTime") from error


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(24)).decode()
