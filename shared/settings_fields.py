"""marshmallow fields for settings: each turns one environment text into one value, or says what is wanted.

The messages never repeat the text: it may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from shared.urls import is_http_url

KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
KEY_BYTES = 32
_SWITCH = {
    "on": True,
    "true": True,
    "1": True,
    "yes": True,
    "off": False,
    "false": False,
    "0": False,
    "no": False,
}


class Switch(fields.Field[bool]):
    """``on`` or ``off``; the other usual words are understood too."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        try:
            return _SWITCH[value.lower()]
        except KeyError:
            raise ValidationError("must be on or off") from None


class Whole(fields.Field[int]):
    """A whole number between ``low`` and ``high``."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        wanted = f"must be a whole number from {self.low} to {self.high}"
        if not re.fullmatch(r"[0-9]{1,12}", value) or not self.low <= int(value) <= self.high:
            raise ValidationError(wanted)
        return int(value)


class Choice(fields.Field[str]):
    """One of ``words``, in any case."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = {word.lower(): word for word in words}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return self.words[value.lower()]
        except KeyError:
            raise ValidationError(f"must be one of {', '.join(self.words.values())}") from None


class Matching(fields.Field[str]):
    """A text that matches ``pattern`` as a whole; ``wanted`` says it in words."""

    def __init__(self, pattern: str, wanted: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pattern, self.wanted = re.compile(pattern), wanted

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not self.pattern.fullmatch(value):
            raise ValidationError(self.wanted)
        return str(value)


class DatabaseUrl(fields.Field[str]):
    """A PostgreSQL URL as libpq reads it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        wanted = "must be a PostgreSQL URL such as postgresql://user:password@host:5432/name"
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValidationError(wanted)
        try:
            conninfo_to_dict(value)
        except ProgrammingError:  # its text may hold the password
            raise ValidationError(wanted) from None
        return str(value)


class RedisUrl(fields.Field[str]):
    """A Redis or Valkey URL over TCP, with or without TLS."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            sound = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound or not re.fullmatch(r"/?[0-9]{0,3}", parts.path):
            raise ValidationError("must be a Redis URL such as redis://:password@host:6379/0")
        return str(value)


class PublicUrl(fields.Field[str]):
    """The https address of the ingress without its last slash; plain http on loopback only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not is_http_url(value):
            raise ValidationError("must be an https:// address without query (http:// only on loopback)")
        return str(value).rstrip("/")


class MasterKeys(fields.Field[tuple[tuple[str, bytes], ...]]):
    """``id:base64(32 bytes)[,id:...]``; the first seals, all unseal."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[tuple[str, bytes], ...]:
        keys = tuple(_master_key(part.strip()) for part in value.split(","))
        if len({key_id for key_id, _ in keys}) != len(keys):
            raise ValidationError("names one key id twice; give every key an id of its own")
        return keys


def _master_key(text: str) -> tuple[str, bytes]:
    key_id, _, encoded = text.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
        raise ValidationError(
            "must be id:base64 of 32 random bytes (openssl rand -base64 32), several joined by commas"
        )
    return key_id, key


class BasicAuth(fields.Field[tuple[str, ...]]):
    """``user:password[,user:password]``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        pairs = tuple(part.strip() for part in value.split(","))
        users = [pair.partition(":")[0] for pair in pairs]
        if not all(re.fullmatch(r"[^:\s]+:\S+", pair) for pair in pairs) or len(set(users)) != len(users):
            raise ValidationError("must be user:password, several joined by commas, every user once")
        return pairs


class Dsn(fields.Field[str]):
    """A Sentry DSN: an address with a key in it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            sound = parts.scheme in {"http", "https"} and bool(parts.hostname and parts.username)
        except ValueError:
            sound = False
        if not sound:
            raise ValidationError("must be the DSN that Sentry shows for the project")
        return str(value)
