"""Server processes that outlive who started them: told apart by process id and working folder."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

_POLL_S = 0.02


@dataclass(frozen=True)
class Server:
    """A server that writes its process id to ``pid_file``, works in ``folder`` and is one of ``programs``."""

    pid_file: Path
    folder: Path
    programs: tuple[str, ...]
    stop_steps: tuple[tuple[signal.Signals, float], ...]  # signals, each with the seconds it is given

    def find(self) -> psutil.Process | None:
        """The running process that the pid file names; an id alone proves nothing after a crash."""
        try:
            process = psutil.Process(int(self.pid_file.read_text().split("\n", 1)[0]))
        except (OSError, ValueError, psutil.Error):
            return None
        return process if self._is_ours(process) else None

    def stop(self) -> None:
        """End the server, also one that was killed off from its pid file, and remove that file."""
        for number, patience_s in self.stop_steps:
            for process in self._find_all():
                process.send_signal(number)
                wait_until(partial(_is_gone, process), patience_s)
        self.pid_file.unlink(missing_ok=True)

    def _find_all(self) -> list[psutil.Process]:
        named = self.find()
        if named is not None:
            return [named]
        # Whoever started it may have been killed before the server wrote its pid file.
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return (
                process.name() in self.programs
                and not _is_gone(process)
                and process.cwd() == os.path.realpath(self.folder)
            )
        except psutil.Error:
            return False


def wait_until(holds: Callable[[], bool], patience_s: float) -> bool:
    """Ask until ``holds`` or ``patience_s`` is over; servers of others send us no event."""
    end = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True


def _is_gone(process: psutil.Process) -> bool:
    # Where nothing reaps orphans (a container without init) a dead server stays behind as a zombie.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
