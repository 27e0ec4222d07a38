"""A tenant's webhook security keys, as sealed under the kind ``webhook_key``.

BILL shows a key once, at subscribing or rotating, and signs with the new one at once; whether
notifications already on their way keep the old signature is not documented, so the old key stays good
for a while (BILL reference: webhook signature).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

SECRET_KIND: Final = "webhook_key"  # noqa: S105  (the kind's name, not a secret)
MAX_KEYS: Final = 3


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """One security key; ``valid_until`` is None for the current one."""

    key: str = field(repr=False)
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """The keys of one BILL webhook subscription, the current one first, at most :data:`MAX_KEYS`."""

    subscription_id: str
    keys: tuple[WebhookKey, ...]

    def valid_at(self, now: datetime) -> tuple[str, ...]:
        """The keys a notification may be signed with at ``now``."""
        return tuple(held.key for held in self.keys if held.valid_until is None or now < held.valid_until)

    def rotated(self, new_key: str, now: datetime, grace_s: float) -> WebhookKeys:
        """The keys after BILL gave ``new_key`` at ``now``: the old ones end after ``grace_s`` seconds.

        A key that was to end earlier still ends then.
        """
        end = now + timedelta(seconds=grace_s)
        old = [
            WebhookKey(held.key, min(held.valid_until or end, end))
            for held in self.keys
            if held.key != new_key and (held.valid_until is None or now < held.valid_until)
        ]
        return WebhookKeys(self.subscription_id, (WebhookKey(new_key), *old)[:MAX_KEYS])

    def to_bytes(self) -> bytes:
        """The plaintext to seal."""
        keys = [{"key": held.key, "valid_until": _written(held.valid_until)} for held in self.keys]
        return json.dumps({"subscription_id": self.subscription_id, "keys": keys}).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> WebhookKeys:
        """What :meth:`to_bytes` wrote. Raises ValueError, without the content, on anything else."""
        try:
            read = json.loads(plaintext)
            keys = tuple(WebhookKey(_text(held["key"]), _read(held["valid_until"])) for held in read["keys"])
            return cls(_text(read["subscription_id"]), keys[:MAX_KEYS])
        except (KeyError, TypeError, ValueError):
            raise ValueError("the stored webhook keys are not in a form this version knows") from None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value
