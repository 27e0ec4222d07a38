"""The guard: kills the process groups of a supervisor that died without stopping them.

It reads process ids from its input, ``123`` when a group begins and ``-123`` when it has ended. The end
of the input is the supervisor's end, also by kill -9: what is still there then is killed. Children write
their id themselves before they become their program, so that none runs unknown to the guard.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable

REGISTER = ("/bin/sh", "-c", 'echo "$$" >&0; exec "$@" </dev/null', "sh")
"""Put before a command whose input is the guard's pipe: tells the guard, then becomes the command."""


class Guard:
    """A running guard; ``pipe`` is the input to start children with."""

    def __init__(self) -> None:
        read_end, self.pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-S", __file__], stdin=read_end, start_new_session=True, cwd="/"
        )
        os.close(read_end)

    def forget(self, pid: int) -> None:
        """The group of ``pid`` has ended; its number may come back as another's."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.pipe, f"-{pid}\n".encode())

    def close(self) -> None:
        """Kill what is left, and end."""
        os.close(self.pipe)
        self._process.wait()


def kill_group(pid: int) -> None:
    """Kill every process of the group that ``pid`` leads or led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def watch(lines: Iterable[str]) -> set[int]:
    """Read to the end; the groups that have not ended."""
    groups: set[int] = set()
    for line in lines:
        pid = int(line)
        if pid < 0:
            groups.discard(-pid)
        else:
            groups.add(pid)
    return groups


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for group in watch(sys.stdin):
        kill_group(group)
