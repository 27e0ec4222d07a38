"""The main path: a BILL webhook is verified over its raw bytes, put on the stream, and answered.

Everything before a valid signature costs the same whoever knocks; nothing is parsed before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, request
from redis.exceptions import RedisError
from werkzeug.routing import BaseConverter

from ingress.keys import UNKNOWN, KeyRing, KeysUnavailable
from ingress.signature import is_signed
from shared.bill.events import is_handled, parse_notification, to_event
from shared.logs import get_logger
from shared.metrics import WEBHOOKS
from shared.redis_words import describe_redis
from shared.stream import EventStream

SIGNATURE_HEADER: Final = "x-bill-sha-signature"
RETRY_AFTER_S: Final = 5
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the few answers there are; ``outcome`` is its name in the metrics."""

    outcome: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()


ACCEPTED: Final = Answer("accepted", 200)
IGNORED: Final = Answer("ignored", 200)
REJECTED: Final = Answer("rejected", 400)
UNAUTHORIZED: Final = Answer("unauthorized", 401)
UNREADABLE: Final = Answer("unreadable", 400, (("Connection", "close"),))
TOO_LARGE: Final = Answer("too_large", 413, (("Connection", "close"),))
UNAVAILABLE: Final = Answer("unavailable", 503, (("Retry-After", str(RETRY_AFTER_S)),))


@dataclass(frozen=True)
class Intake:
    """Receives webhooks. ``nudge`` calls for a drain and may raise anything; ``now`` tells the time."""

    key_ring: KeyRing
    stream: EventStream
    nudge: Callable[[], None]
    now: Callable[[], datetime]
    max_bytes: int

    def receive(self, tenant: str = "") -> Response:
        """Answer the current request, posted for ``tenant``: any text that stood in the address."""
        try:
            body = read_body(self.max_bytes)
        except Exception as error:  # the server's own errors: the sender hung up, or sent no valid chunks
            logger.info("webhook body not readable", action="webhook.unreadable", error=str(error))
            return _respond(UNREADABLE)
        if body is None:
            return _respond(TOO_LARGE)
        try:
            known = self.key_ring.find(tenant)
        except KeysUnavailable:
            return _respond(UNAVAILABLE)
        if not is_signed(body, request.headers.get(SIGNATURE_HEADER), known.keys):
            return _respond(UNAUTHORIZED, known.tenant)
        return _respond(self._take(known.tenant, known.organization_id, body), known.tenant)

    def _take(self, tenant: str, organization_id: str, body: bytes) -> Answer:
        """Judge and queue what BILL signed."""
        try:
            concerns_us = _concerns_us(body, organization_id)
        except ValueError as error:
            logger.warning("webhook rejected", action="webhook.rejected", tenant=tenant, error=str(error))
            return REJECTED
        if not concerns_us:
            return IGNORED
        try:
            nudge_due = self.stream.append(tenant, body, self.now())
        except RedisError as error:
            why = f"Redis {describe_redis(error)}"
            logger.error("event not queued", action="webhook.unavailable", tenant=tenant, error=why)
            return UNAVAILABLE
        if nudge_due:
            self._nudge()
        return ACCEPTED

    def _nudge(self) -> None:
        """Call for a drain. The event is safe already, and the tick drains too: failing is no answer."""
        try:
            self.nudge()
        except Exception as error:
            logger.warning("nudge not sent", action="webhook.nudge_failed", error=str(error))


def read_body(max_bytes: int) -> bytes | None:
    """The raw body of the current request, or None when it is longer, without reading more of it."""
    if (request.content_length or 0) > max_bytes:
        return None
    body: bytes = request.stream.read(max_bytes + 1)
    return body if len(body) <= max_bytes else None


def _concerns_us(body: bytes, organization_id: str) -> bool:
    """Whether to queue the event. Raises ValueError for what BILL would not send to this tenant."""
    notification = parse_notification(body)
    if notification.organization_id != organization_id:
        raise ValueError("organizationId is another organization's")
    if not is_handled(notification.event_type):
        return False
    to_event(notification)
    return True


def _respond(answer: Answer, tenant: str = UNKNOWN) -> Response:
    WEBHOOKS.labels(tenant, answer.outcome).inc()
    body = f'{{"status":"{answer.outcome}"}}'
    return Response(body, answer.status, list(answer.headers), mimetype="application/json")


class AnyText(BaseConverter):
    """Whatever stands in the rest of the address, so that no shape of a tenant's name shows."""

    regex = r"[\s\S]*"
    part_isolating = False


def webhook_routes(intake: Intake) -> Blueprint:
    """``POST /webhooks/bill/<tenant>``; needs :class:`AnyText` as the converter ``any_text``."""
    routes = Blueprint("webhooks", __name__)
    for rule in ("/webhooks/bill", "/webhooks/bill/<any_text:tenant>"):
        routes.add_url_rule(
            rule,
            endpoint="receive",
            view_func=intake.receive,
            methods=["POST"],
            provide_automatic_options=False,
        )
    return routes
