"""A tenant's webhook subscription at BILL and the one-time key that belongs to it.

BILL shows a security key once, when it makes it. So the key is sealed and stored before anything else is
done; when an answer was lost, the subscription is found by its URL and gets a new key (BILL reference:
webhooks, subscription).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID, uuid4

from shared.bill.events import HANDLED_EVENT_TYPES
from shared.bill.models import Subscription
from shared.bill.subscriptions import CreatedSubscription, Subscriptions
from shared.bill.webhook_keys import SECRET_KIND, WebhookKey, WebhookKeys
from shared.clock import Clock, utc_now
from shared.errors import OutcomeUnknown
from shared.secret import Secret
from shared.store.pool import Conn
from shared.store.secrets import find_secret, put_secret
from shared.vault import SealBroken, Vault

T = TypeVar("T")

SUBSCRIPTION_NAME: Final = "visma-connector"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """How subscribing ended: ``is_new``, or an existing subscription with a new key."""

    subscription: Subscription
    is_new: bool

    @property
    def missing_events(self) -> list[str]:
        """Event types that an older subscription does not deliver."""
        return missing_events(self.subscription)


def missing_events(subscription: Subscription) -> list[str]:
    """Event types we need that the subscription does not deliver."""
    return [name for name in HANDLED_EVENT_TYPES if name not in subscription.event_types]


def notification_url(public_base_url: str, tenant: str) -> str:
    """Where BILL delivers a tenant's notifications."""
    return f"{public_base_url}/webhooks/bill/{tenant}"


class KeyKeeper:
    """The stored security keys of one tenant."""

    def __init__(self, conn: Conn, vault: Vault, tenant: str, clock: Clock = utc_now) -> None:
        self._conn = conn
        self._vault = vault
        self._tenant = tenant
        self._clock = clock

    def find(self) -> WebhookKeys | None:
        """What is stored; None also where it does not open, since a new key replaces it anyway.

        Raises ``UnknownKeyId`` when it is sealed under a master key that this process was not given.
        """
        sealed = find_secret(self._conn, self._tenant, SECRET_KIND)
        if sealed is None:
            return None
        try:
            return WebhookKeys.from_bytes(self._vault.unseal(sealed, tenant=self._tenant, kind=SECRET_KIND))
        except (SealBroken, ValueError):
            return None

    def keep(self, subscription_id: str, key: Secret, old: WebhookKeys | None, grace_s: float) -> None:
        """Seal and store ``key`` as the current one; the ``old`` ones end after ``grace_s`` seconds."""
        if old is None:
            keys = WebhookKeys(subscription_id, (WebhookKey(key.reveal()),))
        else:
            rotated = old.rotated(key.reveal(), self._clock(), grace_s)
            keys = replace(rotated, subscription_id=subscription_id)
        sealed = self._vault.seal(keys.to_bytes(), tenant=self._tenant, kind=SECRET_KIND)
        put_secret(self._conn, self._tenant, SECRET_KIND, sealed)


def subscribe(upstream: Subscriptions, keeper: KeyKeeper, url: str, *, grace_s: float) -> Subscribed:
    """Let BILL deliver to ``url``; where it already does, its key is made anew and delivery switched on."""
    old = keeper.find()
    found = upstream.find_by_url(url)
    if found is None:
        created = _create(upstream, url)
        if isinstance(created, CreatedSubscription):
            keeper.keep(created.subscription.id, created.security_key, old, grace_s)
            return Subscribed(created.subscription, is_new=True)
        found = created
    rotate(upstream, keeper, found.id, old, grace_s=grace_s)
    if not found.enabled:
        upstream.set_enabled(found.id, True)
    return Subscribed(found, is_new=False)


def rotate(
    upstream: Subscriptions,
    keeper: KeyKeeper,
    subscription_id: str,
    old: WebhookKeys | None,
    *,
    grace_s: float,
) -> None:
    """Make a new key and store it; ``old`` keys stay valid for ``grace_s`` seconds."""
    new = _ask_twice(lambda key: upstream.rotate_key(subscription_id, idempotency_key=key))
    keeper.keep(subscription_id, new, old, grace_s)


def _create(upstream: Subscriptions, url: str) -> CreatedSubscription | Subscription:
    """The new subscription; without its key where the answer was lost and it exists all the same."""
    key = uuid4()
    try:
        return _create_once(upstream, url, key)
    except OutcomeUnknown:
        # Under the same key BILL repeats its first answer: this can never make a second subscription.
        return upstream.find_by_url(url) or _create_once(upstream, url, key)


def _create_once(upstream: Subscriptions, url: str, key: UUID) -> CreatedSubscription:
    return upstream.create(
        name=SUBSCRIPTION_NAME,
        notification_url=url,
        event_types=HANDLED_EVENT_TYPES,
        idempotency_key=key,
    )


def _ask_twice(ask: Callable[[UUID], T]) -> T:
    """What BILL answers; asked again under the same idempotency key where the answer was lost."""
    key = uuid4()
    try:
        return ask(key)
    except OutcomeUnknown:
        return ask(key)
