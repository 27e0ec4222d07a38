"""The whole simulated world, and the bell that rings whenever something happened in it."""

from __future__ import annotations

import asyncio

from deploy.sandbox.bill.hooks import HookSender
from deploy.sandbox.bill.world import BillWorld
from deploy.sandbox.calls import CallBook
from deploy.sandbox.clock import Clock
from deploy.sandbox.faults import FaultBook
from deploy.sandbox.ids import Ids
from deploy.sandbox.tasks import Tasks
from deploy.sandbox.visma.world import VismaWorld


class World:
    """Both systems, the rules that spoil them and the book of calls."""

    def __init__(self, seed: int = 1, tasks: Tasks | None = None) -> None:
        self.clock = Clock()
        self.ids = Ids(seed)
        self.tasks = tasks or Tasks()
        self.faults = FaultBook()
        self.calls = CallBook(self.clock)
        self.hooks = HookSender(self.clock, self.ids, self.faults, self.tasks, self.bump)
        self.bill = BillWorld(self.clock, self.ids, self.hooks)
        self.visma = VismaWorld(self.clock, self.ids, self.tasks, self.bump)
        self._waiters: set[asyncio.Event] = set()

    def bump(self) -> None:
        """Wake everybody who waits for something to happen."""
        for waiter in self._waiters:
            waiter.set()

    async def changed(self, timeout_s: float) -> bool:
        """Wait for the next ``bump``; False when ``timeout_s`` passed without one."""
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter.wait(), timeout_s)
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True

    async def close(self) -> None:
        """End what runs and close connections."""
        await self.tasks.close()
        await self.hooks.close()
