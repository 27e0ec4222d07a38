"""Who may knock: every tenant's webhook keys, kept in memory for seconds.

All tenants are loaded together, so that looking up a known, an unknown, a paused and a keyless one
costs the same and asks nobody.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

from shared.bill.webhook_keys import MAX_KEYS, SECRET_KIND, WebhookKeys
from shared.errors import ConnectorError
from shared.logs import get_logger
from shared.store.secrets import StoredSecret
from shared.store.tenants import TenantRow
from shared.vault import SealBroken, UnknownKeyId, Vault

REFRESH_S: Final = 10.0
"""A snapshot older than this is loaded anew by the next request."""
STALE_S: Final = 30.0
"""A snapshot older than this is not used: a revoked key must have stopped working by then."""
RETRY_S: Final = 3.0
"""Pause after a load that failed, so that requests do not queue up behind a dead database."""

UNKNOWN: Final = "(unknown)"
"""Stands for every name that is no tenant; itself no name a tenant can have."""
_DUMMIES: Final = tuple(secrets.token_urlsafe(32) for _ in range(MAX_KEYS))
logger = get_logger(__name__)


class KeysUnavailable(ConnectorError):
    """The keys could not be loaded for too long; nobody can be let in or sent away."""


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """What a tenant's notifications are checked against; ``keys`` is always equally long.

    Where there are fewer real keys, the rest is random and opens to nobody.
    """

    tenant: str
    organization_id: str
    keys: tuple[str, ...] = field(repr=False)


NOBODY: Final = TenantKeys(UNKNOWN, "", _DUMMIES)


class KeyRing:
    """The current keys of all tenants; safe to share between threads.

    ``load`` asks the database and may raise anything; ``monotonic`` is a clock in seconds.
    """

    def __init__(
        self, load: Callable[[], Mapping[str, TenantKeys]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._load, self._monotonic = load, monotonic
        self._loading = Lock()
        self._snapshot: tuple[Mapping[str, TenantKeys], float] | None = None
        self._retry_at = float("-inf")

    def find(self, tenant: str) -> TenantKeys:
        """The keys of ``tenant``, or those of nobody. Raises KeysUnavailable without a fresh snapshot."""
        return self._current().get(tenant, NOBODY)

    def _current(self) -> Mapping[str, TenantKeys]:
        age = self._age()
        if age > REFRESH_S and self._loading.acquire(blocking=age > STALE_S):
            try:
                self._refresh()
            finally:
                self._loading.release()
        if self._snapshot is None or self._age() > STALE_S:
            raise KeysUnavailable("the webhook keys could not be loaded")
        return self._snapshot[0]

    def _refresh(self) -> None:
        """Load unless another thread just did or just failed to."""
        now = self._monotonic()
        if self._age() <= REFRESH_S or now < self._retry_at:
            return
        try:
            self._snapshot = (self._load(), now)
        except Exception as error:  # whatever it was, the old snapshot stands until it is stale
            self._retry_at = self._monotonic() + RETRY_S
            logger.warning("webhook keys not loaded", action="keys.not_loaded", error=str(error))

    def _age(self) -> float:
        return float("inf") if self._snapshot is None else self._monotonic() - self._snapshot[1]


def tenant_keys(
    tenants: Iterable[TenantRow], stored: Iterable[StoredSecret], vault: Vault, now: datetime
) -> dict[str, TenantKeys]:
    """All tenants' keys as valid ``now``. Paused tenants and those without a key open to nobody.

    A suspended tenant's keys are good: its events are kept until its credentials are set right.
    """
    sealed = {secret.tenant: secret for secret in stored}
    found = {}
    for row in tenants:
        tenant = row.config.id
        secret = None if row.paused else sealed.get(tenant)
        keys = _unsealed(secret, vault, now) if secret else ()
        padded = (*keys, *_DUMMIES)[:MAX_KEYS]
        found[tenant] = TenantKeys(tenant, row.config.bill.organization_id, padded)
    return found


def _unsealed(secret: StoredSecret, vault: Vault, now: datetime) -> tuple[str, ...]:
    """The valid keys; none, with one log line, where they cannot be opened: other tenants go on."""
    try:
        plaintext = vault.unseal(secret.sealed, tenant=secret.tenant, kind=SECRET_KIND)
        return WebhookKeys.from_bytes(plaintext).valid_at(now)
    except (UnknownKeyId, SealBroken, ValueError) as error:
        logger.error(
            "webhook key not usable", action="keys.not_usable", tenant=secret.tenant, error=str(error)
        )
        return ()
