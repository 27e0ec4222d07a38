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


def may_fetch(url: str, base_url: str) -> bool:
    """Whether a link that the system at ``base_url`` gave may be followed: https, or its own loopback."""
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (
        parts.scheme == base.scheme and is_loopback(host) and host == base.hostname
    )


def shares_domain(url: str, base_url: str) -> bool:
    """Whether both addresses are of one owner: the same host, or names under the same domain.

    What belongs to one, such as a session, may be shown to the other.
    """
    host, base = urlsplit(url).hostname or "", urlsplit(base_url).hostname or ""
    domain = ".".join(base.rsplit(".", 2)[-2:])
    named = "." in domain and not domain.replace(".", "").isdigit()
    return host == base or (named and (host == domain or host.endswith(f".{domain}")))
