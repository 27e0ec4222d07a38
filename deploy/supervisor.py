"""Runs a fleet of named processes in the foreground: for ``connector up``, the demo and the tests."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TextIO

from deploy.child import Child, ProcessSpec
from deploy.guard import Guard
from shared.errors import UsageError

_ASK_EVERY_S = 0.05
_HOPELESS_CRASHES = 3


class NotReady(UsageError):
    """A process ended, or does not serve in time; one line with the end of what it said."""


class Supervisor:
    """Starts, watches and stops exactly its own processes, each in a session of its own.

    With ``log_dir`` each process writes to ``NAME.log`` there, else all lines go to ``out`` with the name
    in front. When this process dies, however it dies, its children and what they started die too.
    """

    def __init__(
        self, processes: Sequence[ProcessSpec], log_dir: Path | None = None, *, out: TextIO = sys.stdout
    ) -> None:
        self._specs, self._log_dir, self._out = processes, log_dir, out
        self._width = max((len(spec.name) for spec in processes), default=0)
        self._children: dict[str, Child] = {}
        self._guard: Guard | None = None
        self._last: dict[str, str] = {}
        self._printing = threading.Lock()
        self._over = threading.Event()

    def start(self) -> None:
        """Start every process in order; :meth:`wait_ready` tells when they serve."""
        self._guard = Guard()
        for spec in self._specs:
            self._children[spec.name] = Child(
                spec, self._guard, self._say, self._log_of(spec.name), self._over_if_done
            )
        for child in self._children.values():
            child.start()

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Wait until every process with a ``ready`` says so; raises :class:`NotReady`, and stops all."""
        waiting = [child for child in self._children.values() if child.spec.ready is not None]
        for _ in range(int(timeout_s / _ASK_EVERY_S) + 1):
            waiting = [child for child in waiting if not (child.spec.ready and child.spec.ready())]
            if not waiting:
                return
            if any(map(_is_hopeless, waiting)) or self._over.wait(_ASK_EVERY_S):
                break
        ended = [child for child in waiting if _is_hopeless(child)]
        name = (ended or waiting)[0].spec.name
        last = self._last_line(name)
        self.stop()
        raise NotReady(f"{name} {'ended' if ended else 'does not answer'}: {last or 'it said nothing'}")

    def wait(self) -> int:
        """Block until a signal, :meth:`stop` or the end of a process that is not restarted; its code."""
        self._over.wait()
        codes = [child.exit_code or 0 for child in self._children.values() if child.has_ended]
        return next((code for code in codes if code), 0)

    def stop(self) -> None:
        """Ask all to stop, wait for each its grace, kill what is left. Safe to call twice."""
        self._over.set()
        for child in self._children.values():
            child.ask_to_stop()
        for child in self._children.values():
            child.finish()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.close()

    def restart(self, name: str) -> None:
        """Stop one process in good order and start it again."""
        self._children[name].restart()

    def kill9(self, name: str) -> None:
        """Kill one process and what it started; it is started again if it is of that kind."""
        self._children[name].kill()

    def pid(self, name: str) -> int | None:
        """Process id of ``name`` while it runs."""
        return self._children[name].pid

    @contextmanager
    def until_signal(self) -> Iterator[None]:
        """While inside, SIGINT and SIGTERM end :meth:`wait` in place of this process."""

        def note(number: int, frame: FrameType | None) -> None:
            self._over.set()

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _over_if_done(self) -> None:
        """A child has ended for good: a fleet that lost one is not the fleet that was asked for."""
        self._over.set()

    def _log_of(self, name: str) -> Path | None:
        if self._log_dir is None:
            return None
        self._log_dir.mkdir(parents=True, exist_ok=True)
        return self._log_dir / f"{name}.log"

    def _say(self, name: str, line: str) -> None:
        self._last[name] = line or self._last.get(name, "")
        if self._log_dir is not None:
            with (self._log_dir / f"{name}.log").open("a", encoding="utf-8") as file:
                file.write(f"supervisor: {name} {line}\n")
            return
        with self._printing:
            print(f"{name:{self._width}} | {line}", file=self._out, flush=True)

    def _last_line(self, name: str) -> str:
        log = self._log_of(name)
        if log is None:
            return self._last.get(name, "")
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        said = [line for line in lines if line.strip() and not line.startswith("supervisor: ")]
        return said[-1] if said else ""


def _is_hopeless(child: Child) -> bool:
    return child.has_ended or child.crashes >= _HOPELESS_CRASHES
