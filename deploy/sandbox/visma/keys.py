"""Keys in paths, plain or as ``b64(...)`` (Visma reference: URL-unsafe keys)."""

from __future__ import annotations

import base64
import binascii

from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.wire import Reply


def plain_key(key: str) -> str:
    """The key itself; raises Denied 404 for a broken ``b64(...)``."""
    if key.startswith("b64(") and key.endswith(")"):
        return decoded_key(key[4:-1])
    return key


def decoded_key(text: str) -> str:
    """A key that must be base64url encoded, as segment values in paths must."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Denied(Reply(404)) from error
