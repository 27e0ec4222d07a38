"""BILL's webhook signature: base64(HMAC-SHA256(security key as text, body)).

BILL speaks of signing the minified body, and of a body that is a JSON string holding JSON; others
found the bytes as sent to be signed (BILL reference: webhook signature). So each of these forms is
tried, all made without parsing: nothing that a stranger sends reaches a JSON parser.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Iterable

# Possessive throughout, so that no body, however hostile, takes more than one pass.
_UNSPACED = re.compile(rb'(?:[^ \t\r\n"]++|"(?:[^"\\]++|\\.?)*+"?)++', re.DOTALL)
_JSON_STRING = re.compile(rb'[ \t\r\n]*+"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"[ \t\r\n]*+')


def is_signed(body: bytes, signature: str | None, keys: Iterable[str]) -> bool:
    """Whether ``signature``, the header as received, was made over ``body`` with one of ``keys``.

    The work depends on the body and the number of keys alone: every form is tried with every key,
    found or not. So hand in equally many keys for every caller.
    """
    given = (signature or "").strip().encode("utf-8", "replace")
    forms = signed_forms(body)
    matched = False
    for key in keys:
        secret = key.encode("utf-8")
        for form in forms:
            expected = b64encode(hmac.digest(secret, form, "sha256"))
            matched |= hmac.compare_digest(expected, given)
    return matched


def signed_forms(body: bytes) -> list[bytes]:
    """What BILL may have signed when it sent ``body``; without repeats, the body itself first."""
    forms = [body, minify(body)]
    inner = unwrap(body)
    if inner is not None:
        forms += [inner, minify(inner)]
    return list(dict.fromkeys(forms))


def minify(body: bytes) -> bytes:
    """``body`` without the spaces and line ends outside of JSON strings; any bytes, in linear time."""
    return b"".join(_UNSPACED.findall(body))


def unwrap(body: bytes) -> bytes | None:
    """The text inside ``body`` when the whole body is one JSON string, else None."""
    if not _JSON_STRING.fullmatch(body):
        return None
    try:
        return str(json.loads(body)).encode("utf-8")
    except ValueError:  # not UTF-8, a wrong escape, or half a surrogate pair: nothing BILL could sign
        return None
