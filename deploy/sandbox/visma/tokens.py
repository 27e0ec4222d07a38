"""Visma Connect's token endpoint (Visma reference: token request)."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus

from deploy.sandbox.calls import CallBook
from deploy.sandbox.jsonio import Json, dumps
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.models import VismaSettings
from deploy.sandbox.visma.world import ClientApp, VismaWorld
from deploy.sandbox.wire import Call, Reply, json_reply


@dataclass(slots=True)
class TokenFront:
    """The way in to ``/connect/token``."""

    world: VismaWorld
    calls: CallBook
    name: str = "token"

    def identify(self, call: Call) -> None:
        """The company of the ``tenant_id`` in the form."""
        company = self.world.company_of_tenant(_form(call).get("tenant_id", ""))
        call.tenant = company.company_id if company else None

    def admit(self, call: Call, running: int) -> Reply | None:
        """No limit of the token endpoint is known."""

    def refuse(self, call: Call, action: Json) -> Reply:
        """The answer of a ``status`` fault: OAuth's error object, or none for a 5xx."""
        status = int(action.get("status", 500))
        headers = dict(action.get("headers", {}))
        if action.get("retry_after") is not None:
            headers["Retry-After"] = str(action["retry_after"])
        if action.get("shape") == "html":
            return Reply(status, "<html><body>unavailable</body></html>", headers, "text/html")
        if status >= 500 and "code" not in action:
            return Reply(status, headers=headers)
        return json_reply({"error": action.get("code", "invalid_client")}, status, headers)

    def expire(self, call: Call) -> None:
        """Nothing is carried that could expire."""

    def race(self, call: Call, change: Json) -> None:
        """Nobody edits tokens."""

    def finish(self, call: Call, reply: Reply) -> None:
        """OAuth answers are not to be cached."""
        reply.headers.setdefault("Cache-Control", "no-store")

    def answer(self, call: Call) -> Reply:
        """A token for the tenant, or OAuth's error object."""
        if call.method != "POST":
            return Reply(405)
        form = _form(call)
        app = self._client(call, form)
        company = self.world.company_of_tenant(form.get("tenant_id", ""))
        settings = company.settings if company else VismaSettings()
        if app is None:
            return _oauth_error("invalid_client", settings.invalid_client_status)
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", 400)
        return self._grant(app, company, form, settings)

    def _grant(
        self, app: ClientApp, company: Company | None, form: dict[str, str], settings: VismaSettings
    ) -> Reply:
        tenant_id = form.get("tenant_id", "")
        if tenant_id not in app.tenants | app.customer_tenants:
            return _oauth_error("invalid_tenant", 400)
        scopes = tuple(form.get("scope", "").split()) or app.scopes
        if not set(scopes) <= set(app.scopes):
            return _oauth_error("invalid_scope", 400)
        token = self.world.issue_token(app, company, scopes, settings.token_life_s)
        return json_reply(
            {
                "access_token": token.text,
                "expires_in": settings.token_life_s,
                "token_type": "Bearer",
                "scope": " ".join(scopes),
            }
        )

    def _client(self, call: Call, form: dict[str, str]) -> ClientApp | None:
        client_id, secret = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
        app = self.world.client_apps.get(client_id)
        if app is None or not secrets.compare_digest(app.secret.encode(), secret.encode()):
            return None
        return app


def _form(call: Call) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, text = call.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(user), unquote_plus(password)


def _oauth_error(error: str, status: int) -> Reply:
    return Reply(status, dumps({"error": error}))
