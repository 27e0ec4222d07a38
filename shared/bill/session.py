"""BILL's sessions: one per worker and tenant, sealed in Redis, one log-in at a time.

A session ends after 35 minutes without a call and cannot be refreshed; log-ins are limited to 200 an
hour for all tenants of a developer key (BILL reference: authentication, limits).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from redis import Redis

from shared import jsontext
from shared.bill.answers import Throttled, login_error_of
from shared.budget import Budget
from shared.errors import NoPlace, Retryable
from shared.http import HttpSession
from shared.http_guard import Deadline
from shared.sealed_cache import Made, SealedCache, stamp_of
from shared.tenants import BillConfig
from shared.vault import Vault

SESSION_LIVES_S = 34 * 60.0
"""35 minutes idle at BILL less a minute for clocks and queues."""

LOGIN_ROUTE = "/v3/login"
LOGINS_PER_HOUR = 200
SHORT_OF_LOGINS = 0.25
"""When no more than this part of the hour's log-ins is left, they are for tenants without any session."""


@dataclass(frozen=True, slots=True)
class BillCredentials:
    """A BILL user, or a sync token's name and value, and the developer key."""

    username: str
    password: str = field(repr=False)
    dev_key: str = field(repr=False)

    @property
    def dev_key_digest(self) -> str:
        """The developer key as limits in Redis name it."""
        return stamp_of("dev_key", self.dev_key)


@dataclass(frozen=True, slots=True)
class LogIn:
    """What BILL answers to a log-in. A ``trusted`` session passed a second factor: it may move money.

    ``server_time`` is BILL's clock, None where it does not tell.
    """

    session_id: str = field(repr=False)
    trusted: bool
    server_time: datetime | None


class BillSessions:
    """This worker's sessions at BILL; they are stored under its name and shared by its pool slots."""

    def __init__(
        self,
        redis: Redis,
        vault: Vault,
        worker_name: str,
        *,
        budget: Budget | None = None,
        logins_per_hour: int = LOGINS_PER_HOUR,
    ) -> None:
        self._cache = SealedCache(redis, vault, worker_name, kind="bill_session")
        self._budget = budget
        self._logins_per_hour = logins_per_hour
        self._refused: set[str] = set()
        """Tenants whose last session was refused: perhaps all of them are, so the next is a fresh one."""

    def get(
        self,
        tenant: str,
        config: BillConfig,
        credentials: BillCredentials,
        http: HttpSession,
        deadline: Deadline,
        *,
        before_login: Callable[[], None] = lambda: None,
    ) -> str:
        """A session to use now: the stored one, else a fresh one, or a sibling's when log-ins run short.

        ``before_login`` may still refuse the log-in. Raises ``CredentialsRefused`` when BILL refuses it,
        and ``NoPlace`` when the hour's log-ins are spent and no worker has a session of this tenant.
        """

        def log_in() -> str:
            before_login()
            return fetch_session(http, config, credentials, deadline)

        def make() -> Made:
            sibling = partial(self._cache.find_sibling, tenant, _stamp(config, credentials))
            spares = tenant not in self._refused
            self._refused.discard(tenant)
            return Made(self._log_in_or_borrow(credentials, log_in, sibling, spares), SESSION_LIVES_S)

        found = self._cache.get(tenant, _stamp(config, credentials), make, deadline)
        self._cache.keep_alive(tenant, SESSION_LIVES_S)
        return found

    def log_in(
        self,
        tenant: str,
        config: BillConfig,
        credentials: BillCredentials,
        http: HttpSession,
        deadline: Deadline,
    ) -> LogIn:
        """Log in whatever session there is, and keep the new one. Raises as :meth:`get`."""
        if self._budget is not None:
            self._budget.spend(f"bill-logins:{credentials.dev_key_digest}", self._logins_per_hour)
        done = fetch_login(http, config, credentials, deadline)
        self._cache.put(tenant, _stamp(config, credentials), Made(done.session_id, SESSION_LIVES_S))
        return done

    def find(self, tenant: str, config: BillConfig, credentials: BillCredentials) -> str | None:
        """The stored session, if there is one."""
        return self._cache.find(tenant, _stamp(config, credentials))

    def drop(self, tenant: str, config: BillConfig, credentials: BillCredentials, session_id: str) -> None:
        """Forget a session that BILL refused; one that was stored since stays."""
        self._refused.add(tenant)
        self._cache.drop(tenant, _stamp(config, credentials), session_id)

    def _log_in_or_borrow(
        self,
        credentials: BillCredentials,
        log_in: Callable[[], str],
        find_sibling: Callable[[], str | None],
        spares: bool,
    ) -> str:
        if self._budget is None:
            return log_in()
        key, limit = f"bill-logins:{credentials.dev_key_digest}", self._logins_per_hour
        short = self._budget.read(key, limit).left <= limit * SHORT_OF_LOGINS
        borrowed = find_sibling() if short and spares else None
        if borrowed is not None:
            return borrowed
        try:
            self._budget.spend(key, limit)
            return log_in()
        except NoPlace as error:
            if isinstance(error, Throttled):
                self._budget.block(key, error.retry_after_s or 0.0)
            borrowed = find_sibling()
            if borrowed is None:
                raise
            return borrowed


def fetch_session(
    http: HttpSession, config: BillConfig, credentials: BillCredentials, deadline: Deadline
) -> str:
    """Log in and return the session id."""
    return fetch_login(http, config, credentials, deadline).session_id


def fetch_login(
    http: HttpSession, config: BillConfig, credentials: BillCredentials, deadline: Deadline
) -> LogIn:
    """Log in (BILL reference: login; the developer key goes in the body)."""
    body = {
        "username": credentials.username,
        "password": credentials.password,
        "organizationId": config.organization_id,
        "devKey": credentials.dev_key,
    }
    answer = http.send(
        "POST",
        f"{config.base_url}{LOGIN_ROUTE}",
        route=LOGIN_ROUTE,
        headers={"Content-Type": "application/json"},
        body=jsontext.dumps(body).encode(),
        deadline=deadline,
    )
    found = answer.find_json()
    content = found if isinstance(found, dict) else {}
    session_id = content.get("sessionId")
    if answer.ok and isinstance(session_id, str) and session_id.isascii() and session_id.isprintable():
        return LogIn(session_id, content.get("trusted") is True, answer.date)
    if answer.ok:
        raise Retryable("BILL's answer to the log-in holds no session")
    raise login_error_of(answer)


def _stamp(config: BillConfig, credentials: BillCredentials) -> str:
    return stamp_of(
        config.base_url,
        config.organization_id,
        credentials.username,
        credentials.password,
        credentials.dev_key,
    )
