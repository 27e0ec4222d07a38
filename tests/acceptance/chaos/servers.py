"""The chaos's own PostgreSQL and Redis, to be killed and started again under the fleet's feet."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy.embedded.home import Home
from deploy.embedded.lease import ensure_servers
from deploy.embedded.postgres_server import read_pointer

GONE_S = 20.0


class Servers:
    """The embedded servers of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def restart_redis(self, number: signal.Signals = signal.SIGTERM, *, empty: bool = False) -> None:
        """End Redis by a signal and start it again; ``empty`` without its data."""
        end(self._pid(self.home.run / "redis.pid"), number)
        if empty:
            shutil.rmtree(self.home.redis_data)
        self.start()

    def restart_postgres(self, number: signal.Signals = signal.SIGINT) -> None:
        """End PostgreSQL by a signal (SIGINT fast, SIGQUIT and SIGKILL a crash) and start it again."""
        with self.without_postgres(number):
            pass

    @contextmanager
    def without_postgres(self, number: signal.Signals = signal.SIGINT) -> Iterator[Path]:
        """End PostgreSQL, if it runs, and start it again afterwards; its data folder."""
        data = read_pointer(self.home)
        assert data is not None
        if (data / "postmaster.pid").exists():
            end(self._pid(data / "postmaster.pid"), number)
        try:
            yield data
        finally:
            self.start()

    def start(self) -> None:
        """Start what does not run, where it was."""
        ensure_servers(self.home).release()

    def _pid(self, path: Path) -> int:
        return int(path.read_text("utf-8").split("\n", 1)[0])


def end(pid: int, number: signal.Signals) -> None:
    """Signal a process of ours that is there, and wait for its end; orphans may stay as zombies."""
    process = psutil.Process(pid)
    process.send_signal(number)
    for _ in range(int(GONE_S / 0.05)):
        try:
            process.wait(0.05)
            return
        except psutil.TimeoutExpired:
            if process.status() == psutil.STATUS_ZOMBIE:
                return
    raise AssertionError(f"process {pid} outlives signal {number.name}")
