"""The signature of a notification."""

from __future__ import annotations

import base64
import hashlib
import hmac

HEADER = "x-bill-sha-signature"


def sign(security_key: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the body, keyed with the key's own text (BILL reference: signature)."""
    return base64.b64encode(hmac.new(security_key.encode(), body, hashlib.sha256).digest()).decode()
