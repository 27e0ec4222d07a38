"""The folder of the embedded servers: what lies where, and which locks order who does what.

Locks are kernel locks on files (flock): they end with their holder, also when it is killed.

``start``   held exclusively while someone starts or joins the servers
``users``   held shared by every user of the servers: the lease; exclusively by the keeper while it stops them
``keeper``  held exclusively by the keeper, so that there is one at most
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.errors import UsageError

_SOCKET_PATH_BYTES = 100  # the kernel takes 107 on Linux and 103 on macOS, name and end included


class EmbeddedError(UsageError):
    """The embedded servers cannot be had; one line that says why and what to do."""


@dataclass(frozen=True)
class Home:
    """One CONNECTOR_HOME; ``root`` is absolute."""

    root: Path

    def __post_init__(self) -> None:
        if re.search(r'["$`\\\x00-\x1f]', str(self.root)):
            raise EmbeddedError("CONNECTOR_HOME must not hold quotes, $, backslashes or control characters")

    @property
    def run(self) -> Path:
        """Locks, pid files and configurations: what may be deleted while nothing runs."""
        return self.root / "run"

    @property
    def redis_data(self) -> Path:
        return self.root / "redis"

    @property
    def postgres_data(self) -> Path:
        """Where PostgreSQL's data is, unless its own user cannot reach it."""
        return self.root / "postgres"

    @property
    def postgres_place(self) -> Path:
        """Names the folder in use where that is another one."""
        return self.root / "postgres-place"

    def ensure(self) -> None:
        """Make the folder; :class:`EmbeddedError` where that is not allowed."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.run.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(f"CONNECTOR_HOME: cannot make {self.run}: {error.strerror}") from None

    def lock(self, name: str, mode: int) -> int:
        """Take a lock, waiting unless ``mode`` has LOCK_NB (then OSError); closing the result ends it."""
        descriptor = os.open(self.run / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, mode)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock exclusively for a while."""
        descriptor = self.lock(name, fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(descriptor)

    def is_locked(self, name: str) -> bool:
        """Whether someone holds the lock exclusively right now."""
        try:
            os.close(self.lock(name, fcntl.LOCK_SH | fcntl.LOCK_NB))
        except BlockingIOError:
            return True
        return False


def short_folder(of: Path, owner: int) -> Path:
    """A private folder for sockets with a short path, one per folder ``of``; ``owner`` is its user id."""
    folder = _short_path(of)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    except FileExistsError:
        # In a folder where everyone may write, someone else could have laid it there to read our traffic.
        if not _is_own_folder(folder, owner):
            raise EmbeddedError(f"{folder} belongs to someone else: remove it, or set TMPDIR") from None
        os.chown(folder, owner, -1)
        folder.chmod(0o700)
    return folder


def remove_short_folder(of: Path) -> None:
    """Remove what :func:`short_folder` made for ``of``, with what is left in it; nothing of anyone else's."""
    folder = _short_path(of)
    if of.exists() and _is_own_folder(folder, of.stat().st_uid):
        shutil.rmtree(folder)


def _is_own_folder(folder: Path, owner: int) -> bool:
    return folder.is_dir() and not folder.is_symlink() and folder.lstat().st_uid in {owner, os.geteuid()}


def _short_path(of: Path) -> Path:
    digest = hashlib.sha256(str(of).encode()).hexdigest()[:12]
    return _short_base() / f"connector-{digest}"


def _short_base() -> Path:
    base = tempfile.gettempdir()
    longest = f"{base}/connector-0123456789ab/.s.PGSQL.5432"
    if len(os.fsencode(longest)) <= _SOCKET_PATH_BYTES and re.fullmatch(r"[A-Za-z0-9/._-]+", base):
        return Path(base)
    return Path("/tmp")  # noqa: S108
