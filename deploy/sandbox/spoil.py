"""Carries out the actions of fault rules around the effect of one request."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from deploy.sandbox.jsonio import Json
from deploy.sandbox.tasks import Tasks
from deploy.sandbox.wire import Call, Delivery, Reply

if TYPE_CHECKING:
    from deploy.sandbox.front import Front

_LOOK_S = 0.02


@dataclass(slots=True)
class Scene:
    """One request under faults; ``effect`` is what the system would do with it."""

    request: web.Request
    call: Call
    front: Front
    tasks: Tasks
    effect: Callable[[], Reply]


Inner = Callable[[], Awaitable[Reply]]


async def spoil(actions: list[Json], scene: Scene) -> Reply:
    """Apply the actions, the first outermost, and give the answer that is left."""
    if not actions:
        return scene.effect()
    action, rest = actions[0], actions[1:]

    async def inner() -> Reply:
        return await spoil(rest, scene)

    return await _PLAY[action["kind"]](action, scene, inner)


async def _latency(action: Json, scene: Scene, inner: Inner) -> Reply:
    jitter = float(action.get("jitter_s", 0))
    seconds = float(action.get("seconds", 0)) + random.uniform(0, jitter)  # noqa: S311
    if action.get("when") == "after":
        reply = await inner()
        await asyncio.sleep(seconds)
        return reply
    await asyncio.sleep(seconds)
    return await inner()


async def _status(action: Json, scene: Scene, inner: Inner) -> Reply:
    if action.get("when") == "after":
        await inner()
    return scene.front.refuse(scene.call, action)


async def _expire(action: Json, scene: Scene, inner: Inner) -> Reply:
    scene.front.expire(scene.call)
    return await inner()


async def _drop(action: Json, scene: Scene, inner: Inner) -> Reply:
    reply = await inner() if action.get("when", "after") == "after" else Reply(0)
    reply.delivery = Delivery("drop")
    return reply


async def _late(action: Json, scene: Scene, inner: Inner) -> Reply:
    """The client is left without an answer; the effect happens ``seconds`` after it gave up.

    ``hold_s`` None waits until the client closes the connection, a number drops it after that time.
    """
    hold_s = action.get("hold_s", 0)
    await _hold(scene.request, None if hold_s is None else float(hold_s))
    scene.tasks.after(float(action.get("seconds", 0)), scene.effect)
    return Reply(0, delivery=Delivery("drop"))


async def _hold(request: web.Request, seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    # aiohttp tells a handler of a closed connection only by cancelling it, which would undo the
    # hold of every other request as well; so this one looks.
    while request.transport is not None and not request.transport.is_closing():
        if end is not None and loop.time() >= end:
            return
        await asyncio.sleep(_LOOK_S)


async def _drip(action: Json, scene: Scene, inner: Inner) -> Reply:
    reply = await inner()
    chunk = int(action.get("chunk_bytes", 16))
    reply.delivery = Delivery("drip", chunk_bytes=chunk, gap_s=float(action.get("gap_s", 0.1)))
    return reply


async def _truncate(action: Json, scene: Scene, inner: Inner) -> Reply:
    reply = await inner()
    reply.delivery = Delivery("truncate", keep_bytes=int(action.get("keep_bytes", 10)))
    return reply


async def _race(action: Json, scene: Scene, inner: Inner) -> Reply:
    scene.front.race(scene.call, action.get("change", {}))
    return await inner()


async def _trick(action: Json, scene: Scene, inner: Inner) -> Reply:
    scene.call.tricks.add(action["kind"])
    return await inner()


_PLAY: dict[str, Callable[[Json, Scene, Inner], Awaitable[Reply]]] = {
    "latency": _latency,
    "status": _status,
    "expire": _expire,
    "drop": _drop,
    "late": _late,
    "drip": _drip,
    "truncate": _truncate,
    "race": _race,
    "empty_page": _trick,
    "expire_cursor": _trick,
}
