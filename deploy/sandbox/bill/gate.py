"""BILL's door: who calls, whether the limits allow it, and which refusal a rule asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from deploy.sandbox.bill.errors import Refusal, refusal_reply
from deploy.sandbox.bill.models import BillSettings, DevKey, Session
from deploy.sandbox.bill.world import BillWorld, Visit
from deploy.sandbox.calls import CallBook
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import BadJson, Call, Reply

Handler = Callable[[Visit], Reply]
OpenHandler = Callable[[BillWorld, Call], Reply]

_CODE_OF_STATUS = {401: "BDC_1109", 403: "BDC_1361", 404: "BDC_1205", 422: "BDC_1322", 429: "BDC_1144"}


@dataclass(slots=True)
class BillFront:
    """The way in to one of BILL's hosts: ``bill`` (/connect) or ``events`` (/connect-events)."""

    name: str
    world: BillWorld
    calls: CallBook

    def identify(self, call: Call) -> None:
        """The organization of the session, of a login's body, or of a signed download link."""
        session = self.world.sessions.get(call.headers.get("sessionId", ""))
        if session is not None:
            call.tenant = session.organization_id
        elif call.path.endswith("/v3/login"):
            call.tenant = _organization_in(call)
        elif "organization" in call.params:
            call.tenant = call.params["organization"]

    def admit(self, call: Call, running: int) -> Reply | None:
        """Count against the hourly and the concurrency limit (BILL reference: limits)."""
        key = self._dev_key(call)
        if key is None:
            return None
        settings = self._settings(call)
        _count(key, call)
        login = call.path.endswith("/v3/login")
        if key.calls > settings.calls_per_hour or (login and key.logins > settings.logins_per_hour):
            return self._limited(call, "BDC_1144", "logins" if login else "hourly")
        if call.tenant is not None and running > settings.concurrency:
            return self._limited(call, "BDC_1322", "concurrency")
        return None

    def refuse(self, call: Call, action: Json) -> Reply:
        """The answer of a ``status`` fault."""
        status = int(action.get("status", 500))
        code = action.get("code", _CODE_OF_STATUS.get(status, "BDC_1001"))
        refusal = Refusal(status, code, action.get("message"), category="SERVER")
        shape = action.get("shape", self._settings(call).error_shape)
        reply = refusal_reply(refusal, shape, self.world.clock.now())
        reply.headers.update(action.get("headers", {}))
        if action.get("retry_after") is not None:
            reply.headers["Retry-After"] = str(action["retry_after"])
        return reply

    def expire(self, call: Call) -> None:
        """End the caller's session."""
        self.world.sessions.pop(call.headers.get("sessionId", ""), None)

    def race(self, call: Call, change: Json) -> None:
        """BILL has no conditional writes, so there is nothing to race for."""

    def finish(self, call: Call, reply: Reply) -> None:
        """BILL's answers carry no headers of their own."""

    def answer(self, call: Call, handler: Handler) -> Reply:
        """Authenticate, then let the handler answer; every refusal becomes BILL's error body."""
        return self._guarded(call, lambda: handler(self._visit(call)))

    def answer_open(self, call: Call, handler: OpenHandler) -> Reply:
        """Let a handler answer that needs no session."""
        return self._guarded(call, lambda: handler(self.world, call))

    def answer_unknown(self, call: Call) -> Reply:
        """404 for a path or host that BILL does not have there (BILL reference: HTTP status)."""
        return self._refused(call, Refusal(404, "BDC_1121"))

    def _guarded(self, call: Call, act: Callable[[], Reply]) -> Reply:
        try:
            return act()
        except Refusal as refusal:
            return self._refused(call, refusal)
        except BadJson as error:
            return self._refused(call, Refusal(400, "BDC_1122", f"Invalid JSON: {error}"))

    def _visit(self, call: Call) -> Visit:
        session = self._session(call)
        org = self.world.organizations[session.organization_id]
        if org.locked:
            raise Refusal(423, "BDC_1107")
        return Visit(call, self.world, org, session)

    def _session(self, call: Call) -> Session:
        session = self.world.live_session(call.headers.get("sessionId", ""), call.received_at)
        if session is None:
            raise Refusal(401, "BDC_1109")
        key = self.world.dev_keys.get(call.headers.get("devKey", ""))
        if key is None or key.key != session.dev_key:
            raise Refusal(401, "BDC_1102")
        if not key.active:
            raise Refusal(401, "BDC_1103")
        return session

    def _dev_key(self, call: Call) -> DevKey | None:
        text = call.headers.get("devKey", "")
        if not text and call.path.endswith("/v3/login"):
            text = _text_in(call, "devKey") or ""
        return self.world.dev_keys.get(text)

    def _settings(self, call: Call) -> BillSettings:
        org = self.world.organizations.get(call.tenant or "")
        return org.settings if org is not None else self.world.defaults

    def _limited(self, call: Call, code: str, limit: str) -> Reply:
        self.calls.overrun(call, limit)
        settings = self._settings(call)
        message = None
        if code == "BDC_1144":
            message = f"Max number of allowed requests per hour reached: {settings.calls_per_hour}."
        return self._refused(call, Refusal(settings.limit_status, code, message))

    def _refused(self, call: Call, refusal: Refusal) -> Reply:
        return refusal_reply(refusal, self._settings(call).error_shape, self.world.clock.now())


def _count(key: DevKey, call: Call) -> None:
    hour = _clock_hour(call.received_at)
    if key.hour != hour:
        key.hour, key.calls, key.logins = hour, 0, 0
    key.calls += 1
    if call.path.endswith("/v3/login"):
        key.logins += 1


def _clock_hour(moment: datetime) -> int:
    return int(moment.timestamp() // 3600)


def _organization_in(call: Call) -> str | None:
    return _text_in(call, "organizationId")


def _text_in(call: Call, name: str) -> str | None:
    try:
        value = call.json_object().get(name)
    except BadJson:
        return None
    return value if isinstance(value, str) else None
