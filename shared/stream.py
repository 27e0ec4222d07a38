"""The Redis stream between the ingress and the drain: accepted webhooks, raw, until they are rows.

A consumer group hands out every entry and remembers it until it is acknowledged, so a drain that dies
between reading and its transaction loses nothing. Only acknowledged entries are ever deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

STREAM: Final = "connector:events"
GROUP: Final = "drain"
NUDGE_MARK: Final = "connector:events:nudged"
NUDGE_MARK_MS: Final = 3_000
"""How long one nudge stands for a burst when no drain takes it up; then the next event nudges again."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One accepted webhook; ``id`` is Redis's, ``body`` the bytes exactly as they were signed."""

    id: str
    tenant: str
    body: bytes = field(repr=False)
    received_at: datetime


class EventStream:
    """The stream as both its ends use it. ``redis`` answers in bytes (no ``decode_responses``).

    Every method raises ``redis.exceptions.RedisError`` when Redis does not answer or refuses.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def append(self, tenant: str, body: bytes, received_at: datetime) -> bool:
        """Put an event on the stream, in one round trip; True when the caller is to nudge the drain."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.xadd(STREAM, {"tenant": tenant, "body": body, "received_at": received_at.isoformat()})
        pipe.set(NUDGE_MARK, 1, nx=True, px=NUDGE_MARK_MS)
        _, marked = pipe.execute()
        return bool(marked)

    def take_nudge(self) -> bool:
        """Mark that a drain is called for; False when one is called for already."""
        return bool(self._redis.set(NUDGE_MARK, 1, nx=True, px=NUDGE_MARK_MS))

    def clear_nudge(self) -> None:
        """Let the next event nudge again. A drain does this before it reads, never after."""
        self._redis.delete(NUDGE_MARK)

    def ensure_group(self) -> None:
        """Make the stream and its group where they are missing, as after Redis lost its data.

        The group starts at the first entry, so what was appended before it existed is read too.
        """
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, consumer: str, count: int = 200) -> list[StreamEntry]:
        """Up to ``count`` entries that no consumer has had yet, oldest first."""
        answer = self._in_group("xreadgroup", GROUP, consumer, {STREAM: ">"}, count=count)
        return [_entry(*item) for entries in _batches(answer) for item in entries]

    def claim_stale(self, consumer: str, min_idle_ms: int, count: int = 200) -> list[StreamEntry]:
        """Up to ``count`` entries whose consumer has had them for ``min_idle_ms``: it died on them.

        Entries deleted meanwhile are not among them.
        """
        answer = self._in_group("xautoclaim", STREAM, GROUP, consumer, min_idle_ms, "0-0", count=count)
        return [_entry(entry_id, fields) for entry_id, fields in answer[1] if entry_id and fields]

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Delete entries that are rows now; both steps in one transaction."""
        if not ids:
            return
        pipe = self._redis.pipeline(transaction=True)
        pipe.xack(STREAM, GROUP, *ids)
        pipe.xdel(STREAM, *ids)
        pipe.execute()

    def get_depth(self) -> int:
        """How many events are not rows yet, those in a drain's hands included."""
        return int(self._redis.xlen(STREAM))

    def find_oldest_at(self) -> datetime | None:
        """When the oldest event that is not a row yet was received; None when there is none."""
        oldest = self._redis.xrange(STREAM, count=1)
        return _entry(*oldest[0]).received_at if oldest else None

    def _in_group(self, command: str, *args: Any, **options: Any) -> Any:
        """Run a command of the group; once more when the group had to be made first."""
        try:
            return getattr(self._redis, command)(*args, **options)
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
        self.ensure_group()
        return getattr(self._redis, command)(*args, **options)


def _batches(answer: Any) -> list[Any]:
    """The entries by stream; RESP3 answers with a mapping, RESP2 with a list of pairs."""
    if isinstance(answer, dict):
        return [entries for batches in answer.values() for entries in batches]
    return [entries for _, entries in answer]


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> StreamEntry:
    """An entry however it got there: one that someone added by hand must not stop the drain."""
    name = entry_id.decode()
    return StreamEntry(
        name,
        fields.get(b"tenant", b"").decode("utf-8", "replace"),
        fields.get(b"body", b""),
        _received_at(fields.get(b"received_at", b""), name),
    )


def _received_at(text: bytes, entry_id: str) -> datetime:
    try:
        return datetime.fromisoformat(text.decode()).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, UTC)
