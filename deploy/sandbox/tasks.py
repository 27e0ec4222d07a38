"""Background work of the sandbox: late effects, releases, notifications; all ended at shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Tasks:
    """Keeps asyncio tasks alive until they end, and reports those that fail."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` beside the requests."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def after(self, seconds: float, act: Callable[[], Any]) -> None:
        """Call ``act`` once ``seconds`` of real time have passed."""

        async def wait_and_act() -> None:
            await asyncio.sleep(seconds)
            act()

        self.spawn(wait_and_act())

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("background work failed", exc_info=task.exception())
