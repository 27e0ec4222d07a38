"""What a seal of history is made of: HMACs over a row, its place in its tenant's chain, and the seal before.

Whoever has the database's password but no master key can change rows and seals, but can make no seal that
fits. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared import jsontext

KEY_BYTES: Final = 32
GENESIS: Final = bytes(32)
"""What stands before the first seal of a tenant."""

_FIELDS = (
    "id", "tenant", "kind", "bill_id", "at", "actor", "action", "reason", "detail", "changes", "visma_type",
    "visma_number", "task_id",
)  # fmt: skip
"""The columns a seal covers; one that is added to the table later needs a version of its own here."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a tenant's chain: how many rows were ever sealed, and the mac of the last seal."""

    seq: int = 0
    mac: bytes = GENESIS
    sealed_at: datetime | None = None

    def __str__(self) -> str:
        """As people file it and ``audit verify --head`` takes it."""
        return f"{self.seq}:{self.mac.hex()}"


@dataclass(frozen=True, slots=True)
class Chain:
    """One tenant's chain under its audit key."""

    tenant: str
    _key: bytes

    def __repr__(self) -> str:
        return f"Chain(tenant={self.tenant!r})"

    def seal(self, seq: int, before: bytes, history_id: int, row: Mapping[str, Any] | None) -> bytes:
        """The mac of a row at its place; ``row`` None for one that was gone before it could be sealed."""
        content = b"" if row is None else row_bytes(row)
        return self._mac(b"row 1", seq, before, history_id, content)

    def prove_head(self, head: Head) -> bytes:
        """What makes a head ours."""
        return self._mac(b"head 1", head.seq, head.mac)

    def prove_purged(self, seq: int, history_id: int, mac: bytes) -> bytes:
        """What makes the absence of a row a purge of ours."""
        return self._mac(b"purged 1", seq, history_id, mac)

    def prove_anchor(self, anchor: Mapping[str, Any]) -> bytes:
        """What makes an anchor ours."""
        times = (_time(anchor[name]) for name in ("older_than", "purged_at"))
        return self._mac(
            b"anchor 1", anchor["seq"], anchor["mac"], anchor["purged"], *times, anchor["actor"].encode()
        )

    def _mac(self, *parts: bytes | int) -> bytes:
        return hmac.digest(self._key, _join((self.tenant.encode(), *parts)), hashlib.sha256)


def row_bytes(row: Mapping[str, Any]) -> bytes:
    """A history row as bytes: equal for equal rows, whoever reads them and in which time zone."""
    values = [_time(row[name]).decode() if name == "at" else row[name] for name in _FIELDS]
    return jsontext.dumps(values).encode()


def same(one: bytes, other: bytes | None) -> bool:
    """Whether two macs are the same."""
    return other is not None and hmac.compare_digest(one, bytes(other))


def _time(moment: datetime) -> bytes:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").encode()


def _join(parts: Iterable[bytes | int]) -> bytes:
    """The parts each with its length, so that no two lists of parts are alike."""
    joined = bytearray()
    for part in parts:
        content = str(part).encode() if isinstance(part, int) else bytes(part)
        joined += len(content).to_bytes(4, "big") + content
    return bytes(joined)
