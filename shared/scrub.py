"""Taking secrets out of what is written for people: by the name they stand under, by their look, by value.

Logs and error reports pass through here. It is the last net, not the first: code that handles secrets
keeps them out of messages by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.secret import Secret

HIDDEN: Final = "***"
_DEEPEST: Final = 8
_SHORTEST: Final = 6  # a shorter value is found all over harmless text

_NAMES: Final = (
    "password",
    "passwd",
    "secret",
    "token",
    "sessionid",
    "devkey",
    "securitykey",
    "apikey",
    "masterkey",
    "masterkeys",
    "authorization",
    "basicauth",
    "cookie",
    "credential",
    "credentials",
    "dsn",
)
_PLAIN: Final = (type(None), bool, int, float)
_URL_PASSWORD: Final = re.compile(r"(?P<head>[a-z0-9+.-]{1,20}://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"\b(?P<head>Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"""(?P<head>(?:password|passwd|secret|token|session_?id|dev_?key|security_?key|api_?key
        |authorization)\\?["']?\s*[:=]\s*)(?:\\?"[^"]*"|'[^']*'|[^\s,;&"'})\]]+)""",
    re.IGNORECASE | re.VERBOSE,
)

_values: set[str] = set()


def register_secret(*values: str | None) -> None:
    """Hide these texts wherever they appear from now on; short ones are left to their names."""
    _values.update(value for value in values if value and len(value) >= _SHORTEST)


def scrub_text(text: str) -> str:
    """``text`` without registered secrets, passwords in URLs, and what follows a telling name."""
    for value in _values:
        text = text.replace(value, HIDDEN)
    text = _URL_PASSWORD.sub(rf"\g<head>{HIDDEN}", text)
    text = _SCHEME.sub(rf"\g<head> {HIDDEN}", text)
    return _NAMED.sub(rf"\g<head>{HIDDEN}", text)


def scrub(value: Any, depth: int = 0) -> Any:
    """``value`` with every secret hidden, in mappings and sequences too; other objects as their text."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, Secret) or depth > _DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return {_text(name): _scrub_named(_text(name), inner, depth) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(inner, depth + 1) for inner in value]
    return scrub_text(_text(value))


def is_secret_name(name: str) -> bool:
    """Whether what stands under ``name`` is a secret: ``dev_key``, ``sessionId``, ``client_secret``."""
    return re.sub(r"[^a-z0-9]", "", name.lower()).endswith(_NAMES)


def _scrub_named(name: str, value: Any, depth: int) -> Any:
    if is_secret_name(name) and value is not None and not isinstance(value, bool):
        return HIDDEN
    return scrub(value, depth + 1)


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return str(value)
