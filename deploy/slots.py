"""Numbers for the workers of one host that nobody named: stable, and each given once at a time."""

from __future__ import annotations

import fcntl
import itertools
import os
import tempfile
from pathlib import Path

from shared.errors import SettingsError


def claim_slot(folder: Path | None = None) -> int:
    """The lowest number that no running worker of this user has; held until this process has ended.

    The lock survives an exec and is shared with the worker's pool, so a number is free again only
    when the whole worker is gone.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"connector-slots-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        return next(slot for slot in itertools.count() if _claim(folder / f"{slot}.lock"))
    except OSError as error:
        raise SettingsError(
            f"WORKER_NAME is not set, and {folder} cannot be used: {error.strerror}"
        ) from None


def _claim(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    os.set_inheritable(descriptor, True)
    return True
