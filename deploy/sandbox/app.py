"""Puts the simulated systems and the control interface into one aiohttp application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.sandbox.bill.gate import BillFront
from deploy.sandbox.bill.routes import CONNECT_ROUTES, EVENTS_ROUTES, OPEN_ROUTES
from deploy.sandbox.console import routes as console
from deploy.sandbox.console.desk import served, served_later
from deploy.sandbox.front import Answer, Front, serve
from deploy.sandbox.visma.gate import VismaFront
from deploy.sandbox.visma.routes import ROUTES as VISMA_ROUTES
from deploy.sandbox.visma.tokens import TokenFront
from deploy.sandbox.wire import Call, Reply
from deploy.sandbox.world import World

BILL = "/bill/connect"
EVENTS = "/bill/connect-events"
VISMA = "/visma"
TOKEN = "/visma-connect/connect/token"  # noqa: S105 - a path
CONTROL = "/control"
_LARGEST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Way:
    """A route of a simulated system: ``path`` is aiohttp's template, ``method`` may be ``*``."""

    method: str
    path: str
    front: Front
    answer: Answer


def make_app(world: World) -> web.Application:
    """The whole sandbox over one world, which ends with it."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    for way in find_ways(world):
        app.router.add_route(way.method, way.path, _served(world, way))
    for method, path, handler in console.ROUTES:
        app.router.add_route(method, path, served(world, handler))
    for method, path, waiting in console.WAITING_ROUTES:
        app.router.add_route(method, path, served_later(world, waiting))

    async def close(_: web.Application) -> None:
        await world.close()

    app.on_shutdown.append(close)
    return app


def urls(origin: str) -> dict[str, str]:
    """Where everything is, for settings files and tests."""
    return {
        "bill_url": origin + BILL,
        "events_url": origin + EVENTS,
        "visma_url": origin + VISMA,
        "token_url": origin + TOKEN,
        "control_url": origin + CONTROL,
    }


def find_ways(world: World) -> Iterator[Way]:
    """Every route of the simulated systems; where several match, the first counts."""
    yield from _bill_ways(world)
    yield from _visma_ways(world)


def _bill_ways(world: World) -> Iterator[Way]:
    connect = BillFront("bill", world.bill, world.calls)
    events = BillFront("events", world.bill, world.calls)
    for method, path, open_handler in OPEN_ROUTES:
        yield Way(method, BILL + path, connect, _bound(connect.answer_open, open_handler))
    for method, path, handler in CONNECT_ROUTES:
        yield Way(method, BILL + path, connect, _bound(connect.answer, handler))
    for method, path, handler in EVENTS_ROUTES:
        yield Way(method, EVENTS + path, events, _bound(events.answer, handler))
    yield Way("*", EVENTS + "/{tail:.*}", events, events.answer_unknown)
    yield Way("*", "/bill/{tail:.*}", connect, connect.answer_unknown)


def _visma_ways(world: World) -> Iterator[Way]:
    token = TokenFront(world.visma, world.calls)
    visma = VismaFront(world.visma, world.calls)
    yield Way("*", TOKEN, token, token.answer)
    for method, path, handler in VISMA_ROUTES:
        yield Way(method, VISMA + path, visma, _bound(visma.answer, handler))
    yield Way("*", VISMA + "/{tail:.*}", visma, visma.answer_unknown)


def _bound(answer: Callable[[Call, Any], Reply], handler: Any) -> Answer:
    return lambda call: answer(call, handler)


def _served(world: World, way: Way) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await serve(request, world, way.front, way.answer)

    return handle
