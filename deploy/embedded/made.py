"""Secrets made once for the embedded mode and kept in CONNECTOR_HOME, readable by its owner alone."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from deploy.embedded.home import EmbeddedError, Home


def ensure_master_keys(home: Home) -> Path:
    """File of the development master key, in the form of CONNECTOR_MASTER_KEYS."""
    return _ensure(home.root / "master-keys", _make_master_key)


def ensure_flower_basic_auth(home: Home) -> Path:
    """File with the sign-in to Flower, in the form of FLOWER_BASIC_AUTH."""
    return _ensure(home.root / "flower-basic-auth", lambda: f"connector:{secrets.token_urlsafe(18)}")


def ensure_redis_password(home: Home) -> str:
    """The password of the embedded Redis server."""
    return _ensure(home.root / "redis-password", lambda: secrets.token_urlsafe(24)).read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)


def _make_master_key() -> str:
    return f"dev:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _ensure(path: Path, make: Callable[[], str]) -> Path:
    if not path.exists():
        write_private(path, make() + "\n")
    try:
        path.chmod(0o600)
        if path.read_text(encoding="utf-8").strip():
            return path
    except OSError as error:
        raise EmbeddedError(f"cannot read {path}: {error.strerror}") from None
    raise EmbeddedError(f"{path} is empty: restore it, or delete it to have a new one made")
