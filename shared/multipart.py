"""One file as a ``multipart/form-data`` body that is read while it is sent, never whole in memory."""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Iterator
from typing import IO, Final
from urllib.parse import quote

FIELD: Final = "file"
"""The name of the form's field; Visma's client uses it too (Visma reference: attachments)."""

_CHUNK_BYTES = 64 * 1024
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_ATTR_SAFE: Final = "!#$&+-.^_`|~"
"""What RFC 5987 lets stand unescaped, beside letters and digits."""


class FilePart:
    """A body with one file of ``size`` bytes under ``name``, whose letters may be any.

    The name stands in it twice: as browsers write it, in bare UTF-8, and as RFC 5987 has it.
    """

    def __init__(self, name: str, content: IO[bytes], size: int) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._head = f"--{boundary}\r\n{_headers(name)}\r\n\r\n".encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._content = content
        self._size = size
        self.rewind()

    def rewind(self) -> None:
        """Begin anew, for a second try."""
        self._content.seek(0)
        self._before, self._after = self._head, self._tail

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def read(self, size: int = -1) -> bytes:
        """The next piece, at most ``size`` bytes; empty at the end."""
        most = _CHUNK_BYTES if size < 0 else size
        if self._before:
            piece, self._before = self._before[:most], self._before[most:]
            return piece
        piece = self._content.read(most)
        if not piece:
            piece, self._after = self._after[:most], self._after[most:]
        return piece

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece


def _headers(name: str) -> str:
    clean = _CONTROLS.sub(" ", name)
    plain = clean.replace('"', "%22")  # as browsers do (WHATWG: multipart/form-data)
    extended = quote(clean, safe=_ATTR_SAFE)
    kind = mimetypes.guess_type(clean)[0] or "application/octet-stream"
    return (
        f'Content-Disposition: form-data; name="{FIELD}"; filename="{plain}"; '
        f"filename*=UTF-8''{extended}\r\nContent-Type: {kind}"
    )
