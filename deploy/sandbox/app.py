"""Puts the simulated systems and the control interface into one aiohttp application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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


def make_app(world: World) -> web.Application:
    """The whole sandbox over one world, which ends with it."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    _add_bill(app, world)
    _add_visma(app, world)
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


def _add_bill(app: web.Application, world: World) -> None:
    connect = BillFront("bill", world.bill, world.calls)
    events = BillFront("events", world.bill, world.calls)
    for method, path, open_handler in OPEN_ROUTES:
        _add(app, world, connect, method, BILL + path, _bound(connect.answer_open, open_handler))
    for method, path, handler in CONNECT_ROUTES:
        _add(app, world, connect, method, BILL + path, _bound(connect.answer, handler))
    for method, path, handler in EVENTS_ROUTES:
        _add(app, world, events, method, EVENTS + path, _bound(events.answer, handler))
    _add(app, world, events, "*", EVENTS + "/{tail:.*}", events.answer_unknown)
    _add(app, world, connect, "*", "/bill/{tail:.*}", connect.answer_unknown)


def _add_visma(app: web.Application, world: World) -> None:
    token = TokenFront(world.visma, world.calls)
    visma = VismaFront(world.visma, world.calls)
    _add(app, world, token, "*", TOKEN, token.answer)
    for method, path, handler in VISMA_ROUTES:
        _add(app, world, visma, method, VISMA + path, _bound(visma.answer, handler))
    _add(app, world, visma, "*", VISMA + "/{tail:.*}", visma.answer_unknown)


def _bound(answer: Callable[[Call, Any], Reply], handler: Any) -> Answer:
    return lambda call: answer(call, handler)


def _add(app: web.Application, world: World, front: Front, method: str, path: str, answer: Answer) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await serve(request, world, front, answer)

    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] = handle
    app.router.add_route(method, path, handler)
