"""A real Redis that has no room left: on its disk, for snapshots or for its log, or in its memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import redis

PATIENCE_S = 20.0
LIMITED = hasattr(psutil.Process, "rlimit")
"""Whether this system limits the files of a process that runs already: Linux does."""


@contextmanager
def no_room_for_snapshots(server: redis.Redis, folder: Path) -> Iterator[None]:
    """Its snapshots fail, since a folder stands where they go; it refuses writes after the first one."""
    in_the_way = folder / "dump.rdb"
    in_the_way.mkdir()
    server.config_set("save", "3600 1")
    try:
        _save(server, "err")
        expect_refusal(server)
        yield
    finally:
        in_the_way.rmdir()
        _save(server, "ok")
        server.config_set("save", "")
        in_the_way.unlink()
        expect_room(server)


@contextmanager
def no_room_for_its_log(server: redis.Redis) -> Iterator[None]:
    """It may not lengthen its append-only file; it refuses writes once that failed."""
    process = psutil.Process(_info(server, "server")["process_id"])
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (1, before[1]))
    try:
        expect_refusal(server)
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)
        expect_room(server)


@contextmanager
def no_memory(server: redis.Redis) -> Iterator[None]:
    """It has used up what it may."""
    server.config_set("maxmemory", 1)
    try:
        expect_refusal(server)
        yield
    finally:
        server.config_set("maxmemory", 0)
        expect_room(server)


def expect_refusal(server: redis.Redis) -> None:
    """Write until it refuses."""
    _until(lambda: not _takes_writes(server), "it refuses writes")


def expect_room(server: redis.Redis) -> None:
    """Write until it takes it; the log's writing is tried again every second."""
    _until(lambda: _takes_writes(server), "it takes writes")
    server.delete("room")


def _takes_writes(server: redis.Redis) -> bool:
    with contextlib.suppress(redis.ResponseError):
        return bool(server.set("room", 1))
    return False


def _save(server: redis.Redis, ends: str) -> None:
    server.bgsave()
    _until(lambda: not _info(server, "persistence")["rdb_bgsave_in_progress"], "the snapshot ends")
    assert _info(server, "persistence")["rdb_last_bgsave_status"] == ends


def _info(server: redis.Redis, section: str) -> dict[str, Any]:
    found: Any = server.info(section)
    return dict(found)


def _until(reached: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < until, what
        time.sleep(0.02)
