"""Judging addresses: what may be called in the open, and what only with TLS."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str | None) -> bool:
    """Whether ``host`` is this machine by name or address."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_http_url(text: str) -> bool:
    """Whether ``text`` is an https base address: no user, query or fragment; http only on loopback."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.query or parts.fragment or not text.isascii():
        return False
    if any(char.isspace() for char in text):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
