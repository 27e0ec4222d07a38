"""One supervised process: started, started again when it crashes, stopped in good order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.guard import REGISTER, Guard, kill_group

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 15.0
_LAST_WORDS_S = 1.0
_STEADY_S = 30.0
"""A process that ran this long was well: its next crash counts as the first."""


@dataclass(frozen=True)
class ProcessSpec:
    """What to run. ``env`` is the whole environment; ``ready`` says whether it serves by now."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    restart: bool = True
    ready: Callable[[], bool] | None = None
    stop_grace_s: float = 40.0
    cwd: Path | None = None


class Child:
    """A process under ``spec``; ``say`` takes its lines, or ``log`` all it writes."""

    def __init__(
        self,
        spec: ProcessSpec,
        guard: Guard,
        say: Callable[[str, str], None],
        log: Path | None,
        on_end: Callable[[], None],
    ) -> None:
        self.spec, self.crashes, self._asked_at = spec, 0, 0.0
        self.exit_code: int | None = None
        self._guard, self._say, self._log, self._on_end = guard, say, log, on_end
        self._process: subprocess.Popen[str] | None = None
        self._started, self._stopping, self._again = threading.Event(), threading.Event(), threading.Event()
        self._ended = threading.Event()
        self._pump_thread: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name=f"child-{spec.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def has_ended(self) -> bool:
        """Whether it ended and will not be started again."""
        return self._ended.is_set()

    def signal(self, number: signal.Signals) -> None:
        """Signal the process itself, not what it started."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process and all that it started in its group, as a machine that loses power."""
        if self.pid is not None:
            kill_group(self.pid)

    def restart(self) -> None:
        """Stop it in good order and start it again; returns when the new one was started."""
        self._started.clear()
        self._again.set()
        self._end_process()
        self._started.wait()

    def ask_to_stop(self) -> None:
        """Begin to stop, and never start again; :meth:`finish` waits for the end."""
        self._stopping.set()
        self._asked_at = time.monotonic()
        self.signal(signal.SIGTERM)

    def finish(self) -> None:
        """Wait for the end of a process that was asked to stop; kill it after its grace."""
        waited_s = time.monotonic() - self._asked_at
        self._thread.join(max(0.0, self.spec.stop_grace_s - waited_s))
        if not self.has_ended:
            self._say(self.spec.name, f"does not stop within {self.spec.stop_grace_s:g} s: killed")
            self.kill()
        self._thread.join()

    def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            process.wait(self.spec.stop_grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def _run(self) -> None:
        try:
            while self._run_once() and not self._stopping.is_set():
                pass
        finally:
            self._ended.set()
            self._started.set()
            self._on_end()

    def _run_once(self) -> bool:
        """Run the process to its end; whether to start it again."""
        began = time.monotonic()
        process = self._process = self._spawn()
        self._started.set()
        if self._stopping.is_set():  # asked between the look and the start
            self.signal(signal.SIGTERM)
        self.exit_code = process.wait()
        kill_group(process.pid)  # what a killed leader leaves behind would work beside its successor
        self._guard.forget(process.pid)
        if self._pump_thread is not None:
            self._pump_thread.join(_LAST_WORDS_S)
        if self._stopping.is_set():
            return False
        if self._again.is_set():
            self._again.clear()
            return True
        if not self.spec.restart:
            return False
        self._wait_after_crash(time.monotonic() - began)
        return True

    def _wait_after_crash(self, ran_s: float) -> None:
        self.crashes = 1 if ran_s > _STEADY_S else self.crashes + 1
        delay_s = min(_FIRST_DELAY_S * 2 ** min(self.crashes - 1, 10), _LONGEST_DELAY_S)
        self._say(self.spec.name, f"ended with {self.exit_code}, starts again in {delay_s:g} s")
        self._stopping.wait(delay_s)

    def _spawn(self) -> subprocess.Popen[str]:
        command = [*REGISTER, *self.spec.argv]
        output = subprocess.PIPE if self._log is None else self._log.open("ab")
        try:
            process = subprocess.Popen(
                command,
                stdin=self._guard.pipe,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.spec.env),
                cwd=self.spec.cwd,
                start_new_session=True,
                text=True,
                errors="replace",
            )
        finally:
            if not isinstance(output, int):
                output.close()
        if process.stdout is not None:
            # Apart from the wait: grandchildren may hold the pipe open after their parent's end.
            self._pump_thread = threading.Thread(target=self._pump, args=(process,), daemon=True)
            self._pump_thread.start()
        return process

    def _pump(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101
        with process.stdout:
            for line in process.stdout:
                self._say(self.spec.name, line.rstrip("\n"))
