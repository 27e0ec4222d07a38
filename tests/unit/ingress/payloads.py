"""Notifications as BILL would post them, with made-up values; signed here by raw HMAC, never by our code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

TENANT = "fjord-se"
ORGANIZATION = "00801FJORD0000000001"
KEY = "Zmpvcmtleee-not-base64-decoded"


def notification(**changes: Any) -> dict[str, Any]:
    """A bill.updated notification; ``changes`` replace members of its metadata."""
    metadata = {
        "eventId": "5b1a-0001",
        "subscriptionId": "77aa-0002",
        "organizationId": ORGANIZATION,
        "eventType": "bill.updated",
        "version": "1",
    }
    return {
        "metadata": {**metadata, **changes},
        "bill": {
            "id": "00n01FJORD0000000009",
            "vendorId": "00901FJORD0000000003",
            "vendorName": "Blåbær & Sønner",
            "amount": 1204.5,
            "invoice": {"invoiceNumber": "F 17", "invoiceDate": "2026-11-02T00:00:00.000Z"},
            "updatedTime": "2026-11-03T09:30:00.250+00:00",
        },
    }


def minified(value: Any) -> bytes:
    """JSON as BILL sends it: without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signed(body: bytes, key: str = KEY) -> str:
    """The signature header of ``body``."""
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
