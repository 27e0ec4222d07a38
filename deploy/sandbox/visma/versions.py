"""Row versions: ETag in the header, ``timeStamp`` in the body (Visma reference: concurrency)."""

from __future__ import annotations

import base64

_FIRST = 0x4D182222


class RowVersions:
    """An 8-byte number that rises with every change in a company, shown as base64."""

    def __init__(self, first: int = _FIRST) -> None:
        self._last = first

    def next(self) -> str:
        """The version of a change that happens now."""
        self._last += 1
        return base64.b64encode(self._last.to_bytes(8, "big")).decode()


def etag(version: str) -> str:
    """The header's form: quoted."""
    return f'"{version}"'


def matches(if_match: str | None, version: str) -> bool:
    """Whether a write may go on. Quoted and bare forms count, ``W/`` is ignored, no header matches."""
    if if_match is None:
        return True
    wanted = if_match.strip().removeprefix("W/").strip('"')
    return wanted in ("*", version)
