"""A PostgreSQL whose data lies on a small disk of its own, in memory, and a file that fills it up."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.chaos.servers import Servers

MEGABYTES = 256


@contextmanager
def on_a_small_disk(servers: Servers) -> Iterator[Path]:
    """PostgreSQL is restarted with its data there; the folder. Skips where this user may not mount."""
    _ensure_may_mount()
    with servers.without_postgres() as data:
        aside = data.with_name(f"{data.name}.aside")
        data.rename(aside)
        data.mkdir(mode=0o700)
        _mount(data)
        _copy(aside, data)
    try:
        yield data
    finally:
        with servers.without_postgres():
            shutil.rmtree(aside)
            aside.mkdir()
            _copy(data, aside)
            _run("umount", str(data))
            data.rmdir()
            aside.rename(data)


@contextmanager
def no_room(disk: Path) -> Iterator[None]:
    """Nothing more can be written on it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            while _writes(file.fileno(), bytes(size)):
                pass
    try:
        yield
    finally:
        ballast.unlink()


def _writes(descriptor: int, block: bytes) -> bool:
    try:
        return os.write(descriptor, block) == len(block)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False


def _ensure_may_mount() -> None:
    """Before anything is stopped for it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _mount(Path(folder))
        except OSError as error:
            pytest.skip(f"no small disk to fill: {error}")
        _run("umount", folder)


def _mount(folder: Path) -> None:
    _run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "small-disk", str(folder))


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners and rights."""
    _run("cp", "-a", f"{source}/.", str(target))


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise OSError(f"there is no {words[0]}") from error
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
