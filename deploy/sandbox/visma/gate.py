"""Visma's door: token, scope, company header, rate limit, background requests, error bodies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from deploy.sandbox.calls import CallBook
from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.background import start_job
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.errors import (
    BusinessError,
    Denied,
    ModelError,
    business_reply,
    legacy_reply,
    model_reply,
    shaped_reply,
)
from deploy.sandbox.visma.people import edit_for_race
from deploy.sandbox.visma.world import Token, Visit, VismaWorld
from deploy.sandbox.wire import BadJson, Call, Reply

Handler = Callable[[Visit], Reply]
_HOUR_S = 3600
_VERBS = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}
_POLICY = "4-fixed-window"


@dataclass(slots=True)
class Window:
    """Calls of one client to one company in the current hour."""

    hour: int = -1
    calls: int = 0


@dataclass(slots=True)
class VismaFront:
    """The way in to the ERP's service API."""

    world: VismaWorld
    calls: CallBook
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    name: str = "visma"

    def identify(self, call: Call) -> None:
        """The company of the bearer token, also of an ended one."""
        token = self._token(call)
        call.tenant = token.company_id if token else None

    def admit(self, call: Call, running: int) -> Reply | None:
        """Count against the hour; 429 with Retry-After when it is used up (Visma reference: rate limits)."""
        token, company = self._token(call), self._company(call)
        if token is None or company is None:
            return None
        window = self._window(token.client_id, company.company_id, call.received_at)
        window.calls += 1
        if window.calls <= company.settings.calls_per_hour:
            return None
        self.calls.overrun(call, "hourly")
        return Reply(429, headers={"Retry-After": str(_seconds_left(call.received_at))})

    def refuse(self, call: Call, action: Json) -> Reply:
        """The answer of a ``status`` fault; a ``message`` makes it a business error unless shaped else."""
        status = int(action.get("status", 500))
        message = action.get("message")
        shape = action.get("shape", "business" if message is not None else "empty")
        reply = shaped_reply(status, shape, message)
        reply.headers.update(action.get("headers", {}))
        if action.get("retry_after") is not None:
            reply.headers["Retry-After"] = str(action["retry_after"])
        return reply

    def expire(self, call: Call) -> None:
        """End the caller's token."""
        self.world.tokens.pop(_bearer(call), None)

    def race(self, call: Call, change: Json) -> None:
        """A person edits the supplier or invoice that the call is about."""
        company = self._company(call)
        if company is not None:
            edit_for_race(company, call.params, change)

    def finish(self, call: Call, reply: Reply) -> None:
        """The rate limit headers, which every answer carries."""
        token, company = self._token(call), self._company(call)
        if company is None or token is None:
            return
        window = self._window(token.client_id, company.company_id, call.received_at)
        limit = company.settings.calls_per_hour
        reply.headers["X-RateLimit-Limit"] = str(limit)
        reply.headers["X-RateLimit-Remaining"] = str(max(0, limit - window.calls))
        reply.headers["X-RateLimit-Reset"] = str(_seconds_left(call.received_at))
        reply.headers["X-RateLimit-Policy"] = _POLICY

    def answer(self, call: Call, handler: Handler) -> Reply:
        """Authenticate, then let the handler answer, now or in the background."""
        try:
            visit = self._visit(call)
        except Denied as denied:
            return denied.reply
        if call.headers.get("erp-api-background") and "/background/" not in call.path:
            return start_job(visit, lambda: _guarded(visit, handler))
        return _guarded(visit, handler)

    def answer_unknown(self, call: Call) -> Reply:
        """404 for a path that the API does not have."""
        return Reply(404)

    def _visit(self, call: Call) -> Visit:
        token = self._token(call)
        if token is None or token.ends_at <= call.received_at or token.company_id is None:
            raise Denied(Reply(401, headers={"WWW-Authenticate": "Bearer"}))
        if f"vismanet_erp_service_api:{_VERBS.get(call.method, 'read')}" not in token.scopes:
            raise Denied(Reply(403))
        company = self.world.companies[token.company_id]
        self._check_company_header(call, company)
        return Visit(call, self.world, company, token)

    def _check_company_header(self, call: Call, company: Company) -> None:
        header = call.headers.get("ipp-company-id")
        if header is None and not company.settings.require_company_header:
            return
        if header is None or not re.fullmatch(r"[0-9]+", header):
            raise Denied(legacy_reply("12002", "Invalid parameter exception: ipp-company-id"))
        if header != company.company_id:
            raise Denied(legacy_reply("12027", "No license for this company."))

    def _token(self, call: Call) -> Token | None:
        return self.world.tokens.get(_bearer(call))

    def _company(self, call: Call) -> Company | None:
        return self.world.companies.get(call.tenant or "")

    def _window(self, client_id: str, company_id: str, now: datetime) -> Window:
        window = self.windows.setdefault((client_id, company_id), Window())
        hour = int(now.timestamp() // _HOUR_S)
        if window.hour != hour:
            window.hour, window.calls = hour, 0
        return window


def _guarded(visit: Visit, handler: Handler) -> Reply:
    try:
        return handler(visit)
    except Denied as denied:
        return denied.reply
    except ModelError as error:
        return model_reply(error.field, error.message)
    except BadJson as error:
        return model_reply("", str(error))
    except BusinessError as error:
        return business_reply(
            error.message, _action(visit.call), visit.company.settings.business_error_status
        )


def _action(call: Call) -> str:
    verb = "inserting" if call.method == "POST" else "updating"
    if "/supplierInvoice" in call.path:
        return "Error creating document." if call.method == "POST" else "Error updating document."
    return f"Error {verb} the {'supplier' if '/supplier' in call.path else 'record'}."


def _bearer(call: Call) -> str:
    return call.headers.get("Authorization", "").removeprefix("Bearer ")


def _seconds_left(now: datetime) -> int:
    return max(1, _HOUR_S - int(now.timestamp() % _HOUR_S))
