"""What kills, freezes and cuts off: one method a blow, named as in the plan."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event

import psutil

from deploy.stage import Stage
from tests.acceptance.chaos.ground import worker_names
from tests.acceptance.chaos.plan import FROZEN_S, Blow
from tests.acceptance.chaos.servers import Servers
from tests.acceptance.firm import Firm

LONGEST_OUTAGE_S = 9.0
OUTAGE = {"kind": "status", "status": 503, "times": None}


class Monkeys:
    """All of them; ``said`` tells what was done and when, for people who read a failure."""

    def __init__(self, stage: Stage, servers: Servers, firms: Sequence[Firm], workers: int) -> None:
        self.stage, self.servers, self.firms = stage, servers, firms
        self.workers = worker_names(workers)
        self.said: list[str] = []
        self._frozen: dict[str, psutil.Process] = {}
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._began = time.monotonic()

    def begin(self) -> None:
        """The clock of the plan starts."""
        self._began = time.monotonic()

    def strike(self, blow: Blow) -> None:
        """Do one thing."""
        done = getattr(self, blow.kind)(blow.place)
        self._say(f"{blow.kind} {done}")

    def wait_until(self, at_s: float) -> None:
        """Until that moment of the plan; what was to be undone by then is undone on time."""
        while self._later and self._later[0][0] <= at_s:
            due_s, _, undo = heapq.heappop(self._later)
            self._sleep_until(due_s)
            undo()
        self._sleep_until(at_s)

    def finish(self) -> None:
        """Undo what is left to be undone, each at its time."""
        while self._later:
            self.wait_until(self._later[0][0])

    # Blows.

    def kill_web(self, _: int) -> str:
        return self._kill("web")

    def kill_beat(self, _: int) -> str:
        return self._kill("beat")

    def kill_worker(self, place: int) -> str:
        """The main process alone; the supervisor then buries its pool."""
        return self._kill(self._awake(place))

    def kill_slot(self, place: int) -> str:
        """One process of a worker's pool."""
        name = self._awake(place)
        slots = list(self._slots(name))
        if not slots:
            return f"{name}: none there"
        slot = slots[place % len(slots)]
        with contextlib.suppress(psutil.NoSuchProcess):
            slot.kill()
        return f"{name}: {slot.pid}"

    def end_worker(self, place: int) -> str:
        """SIGTERM: it has its grace, and comes back."""
        name = self._awake(place)
        self._signal(name, signal.SIGTERM)
        return name

    def freeze_worker(self, place: int) -> str:
        """Stop a worker with its pool; it wakes when its claims have long run out."""
        name = self._awake(place)
        pid = self.stage.fleet.pid(name)
        if pid is None:
            return f"{name}: not there"
        self._frozen[name] = psutil.Process(pid)
        os.killpg(pid, signal.SIGSTOP)
        self._undo_after(FROZEN_S, lambda: self._wake(name))
        return name

    def restart_redis(self, _: int) -> str:
        self.servers.restart_redis()
        return "in good order"

    def kill_redis(self, _: int) -> str:
        self.servers.restart_redis(signal.SIGKILL)
        return "with its data"

    def empty_redis(self, _: int) -> str:
        self.servers.restart_redis(signal.SIGKILL, empty=True)
        return "without its data"

    def restart_postgres(self, _: int) -> str:
        self.servers.restart_postgres()
        return "fast"

    def kill_postgres(self, place: int) -> str:
        number = (signal.SIGQUIT, signal.SIGKILL)[place % 2]
        self.servers.restart_postgres(number)
        return number.name

    def outage(self, place: int) -> str:
        """One tenant's BILL or Visma is out of order for some seconds."""
        firm = self.firms[place % len(self.firms)]
        system, tenant = (("bill", firm.organization), ("visma", firm.company))[place // 3 % 2]
        seconds = 2 + place / 100 * (LONGEST_OUTAGE_S - 2)
        rule = firm.control.add_fault(system=system, tenant=tenant, **OUTAGE)
        self._undo_after(seconds, lambda: firm.control.clear_faults(rule))
        return f"of {system} for {firm.id}, {seconds:.1f} s"

    # How.

    def _kill(self, name: str) -> str:
        self._signal(name, signal.SIGKILL)
        return name

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self.stage.fleet.pid(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _awake(self, place: int) -> str:
        awake = [name for name in self.workers if name not in self._frozen]
        return awake[place % len(awake)]

    def _slots(self, name: str) -> Iterator[psutil.Process]:
        pid = self.stage.fleet.pid(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from psutil.Process(pid).children() if pid else ()

    def _wake(self, name: str) -> None:
        process = self._frozen.pop(name)
        if process.is_running() and self.stage.fleet.pid(name) == process.pid:
            os.killpg(process.pid, signal.SIGCONT)
        self._say(f"woke {name}")

    def _undo_after(self, seconds: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self._now_s() + seconds, next(self._numbers), undo))

    def _now_s(self) -> float:
        return time.monotonic() - self._began

    def _sleep_until(self, at_s: float) -> None:
        Event().wait(max(0.0, at_s - self._now_s()))

    def _say(self, text: str) -> None:
        self.said.append(f"{self._now_s():6.1f} s  {text}")
