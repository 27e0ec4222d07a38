"""What handlers see of HTTP: a ``Call`` comes in, a ``Reply`` goes out; no handler touches the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.sandbox.jsonio import Json, dumps, loads


class BadJson(Exception):
    """The body of a request is not JSON, or not of the shape asked for."""


@dataclass(slots=True)
class Call:
    """One request, read whole."""

    system: str
    method: str
    path: str
    template: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    origin: str
    tenant: str | None = None
    tricks: set[str] = field(default_factory=set)

    def json(self) -> Any:
        """The body as JSON; raises BadJson."""
        try:
            return loads(self.body)
        except ValueError as error:
            raise BadJson(str(error)) from error

    def json_object(self) -> Json:
        """The body as a JSON object; raises BadJson."""
        value = self.json() if self.body else {}
        if not isinstance(value, dict):
            raise BadJson("a JSON object is expected")
        return value


@dataclass(slots=True)
class Reply:
    """One answer. ``delivery`` says how the bytes reach the client, if not at once and whole."""

    status: int
    body: str | bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delivery: Delivery | None = None

    def data(self) -> bytes:
        """The body as bytes."""
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass(frozen=True, slots=True)
class Delivery:
    """A damaged transfer: nothing at all, a cut body, or a dripping one (``gap_s`` between chunks)."""

    kind: str
    keep_bytes: int = 0
    chunk_bytes: int = 1
    gap_s: float = 0.0


def json_reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """An answer with a JSON body."""
    return Reply(status, dumps(value), headers or {})
