"""Visma Connect's tokens: one per worker and tenant, sealed in Redis, one request at a time.

OAuth 2 client credentials with the company's ``tenant_id``; there is no refresh token in this grant
(Visma docs: service integrations).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from redis import Redis

from shared.errors import Retryable
from shared.http import Answer, HttpSession
from shared.http_guard import Deadline
from shared.sealed_cache import Made, SealedCache, stamp_of
from shared.tenants import VismaConfig
from shared.vault import Vault
from shared.visma.answers import token_error_of

SCOPES: Final = " ".join(
    f"vismanet_erp_service_api:{right}" for right in ("read", "create", "update", "delete")
)
_MARGIN_S: Final = 60.0
TOKEN_ROUTE: Final = "/connect/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class VismaCredentials:
    """A service integration registered in Visma's Developer Portal."""

    client_id: str
    client_secret: str = field(repr=False)


class VismaTokens:
    """This worker's tokens; they are stored under its name and shared by its pool slots."""

    def __init__(self, redis: Redis, vault: Vault, worker_name: str) -> None:
        self._cache = SealedCache(redis, vault, worker_name, kind="visma_token")

    def get(
        self,
        tenant: str,
        config: VismaConfig,
        credentials: VismaCredentials,
        http: HttpSession,
        deadline: Deadline,
    ) -> str:
        """A token to use now; ``CredentialsRefused`` when Visma Connect refuses to give one."""

        def fetch() -> Made:
            return fetch_token(http, config, credentials, deadline)

        return self._cache.get(tenant, _stamp(config, credentials), fetch, deadline)

    def renew(
        self,
        tenant: str,
        config: VismaConfig,
        credentials: VismaCredentials,
        http: HttpSession,
        deadline: Deadline,
    ) -> None:
        """Fetch a token whatever token there is, and keep the new one. Raises as :meth:`get`."""
        made = fetch_token(http, config, credentials, deadline)
        self._cache.put(tenant, _stamp(config, credentials), made)

    def drop(self, tenant: str, config: VismaConfig, credentials: VismaCredentials, token: str) -> None:
        """Forget a token that Visma refused; one that was stored since stays."""
        self._cache.drop(tenant, _stamp(config, credentials), token)


def fetch_token(
    http: HttpSession, config: VismaConfig, credentials: VismaCredentials, deadline: Deadline
) -> Made:
    """Ask Visma Connect for a token and how long to use it: 60 s, or a tenth, less than it lives."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "scope": SCOPES,
        "tenant_id": config.tenant_id,
    }
    answer = http.send(
        "POST",
        config.token_url,
        route=TOKEN_ROUTE,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        deadline=deadline,
    )
    if not answer.ok:
        raise token_error_of(answer)
    return _read_token(answer)


def _read_token(answer: Answer) -> Made:
    content = answer.find_json()
    token = content.get("access_token") if isinstance(content, dict) else None
    lives_s = content.get("expires_in") if isinstance(content, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise Retryable("Visma Connect's answer holds no token")
    if not isinstance(lives_s, int | Decimal) or not 0 < lives_s < 10**9:
        raise Retryable("Visma Connect's answer does not say how long the token lives")
    return Made(token, float(lives_s) - min(_MARGIN_S, float(lives_s) / 10))


def _stamp(config: VismaConfig, credentials: VismaCredentials) -> str:
    return stamp_of(config.token_url, config.tenant_id, credentials.client_id, credentials.client_secret)
