"""The way of a request: read, identify, admit, spoil, answer, send, count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from deploy.sandbox.calls import CallBook
from deploy.sandbox.clock import Clock
from deploy.sandbox.faults import FaultBook
from deploy.sandbox.jsonio import Json
from deploy.sandbox.spoil import Scene, spoil
from deploy.sandbox.tasks import Tasks
from deploy.sandbox.wire import Call, Delivery, Reply

Answer = Callable[[Call], Reply]


class Front(Protocol):
    """What a simulated system adds to the way of a request."""

    @property
    def name(self) -> str:
        """Its name in fault rules and counts: bill, events, visma or token."""

    def identify(self, call: Call) -> None:
        """Set the call's tenant, as far as the request says one."""

    def admit(self, call: Call, running: int) -> Reply | None:
        """Count against the limits; the refusal where one is overrun."""

    def refuse(self, call: Call, action: Json) -> Reply:
        """The answer of a ``status`` fault in this system's manner."""

    def expire(self, call: Call) -> None:
        """End the session or token that the call carries."""

    def race(self, call: Call, change: Json) -> None:
        """Let a person edit what the call is about, just before it."""

    def finish(self, call: Call, reply: Reply) -> None:
        """Add what every answer of this system carries."""


class Stage(Protocol):
    """What the way of a request needs of the world."""

    clock: Clock
    calls: CallBook
    faults: FaultBook
    tasks: Tasks

    def bump(self) -> None:
        """Wake those who wait for something to happen."""


async def serve(request: web.Request, stage: Stage, front: Front, answer: Answer) -> web.StreamResponse:
    """Answer one HTTP request of a simulated system."""
    call = await _read_call(request, stage, front.name)
    front.identify(call)
    with stage.calls.in_flight(call) as running:
        reply = front.admit(call, running) or await _reply(request, stage, front, call, answer)
        front.finish(call, reply)
        response = await _send(request, reply)
    dropped = reply.delivery is not None and reply.delivery.kind == "drop"
    stage.calls.count(call, 0 if dropped else reply.status)
    stage.bump()
    return response


async def _reply(request: web.Request, stage: Stage, front: Front, call: Call, answer: Answer) -> Reply:
    rules = [
        rule.action
        for rule in stage.faults.strike(call.system, call.tenant, call.method, call.path, call.body)
    ]
    if not rules:
        return answer(call)
    return await spoil(rules, Scene(request, call, front, stage.tasks, lambda: answer(call)))


async def _read_call(request: web.Request, stage: Stage, system: str) -> Call:
    body = await request.read() if request.body_exists else b""
    resource = request.match_info.route.resource
    return Call(
        system=system,
        method=request.method,
        path=request.path,
        template=resource.canonical if resource else request.path,
        params=request.match_info,
        query=request.query,
        headers=request.headers,
        body=body,
        received_at=stage.clock.now(),
        origin=f"{request.scheme}://{request.host}",
    )


async def _send(request: web.Request, reply: Reply) -> web.StreamResponse:
    data = reply.data()
    if reply.delivery is not None:
        return await _send_damaged(request, reply, data, reply.delivery)
    response = web.Response(status=reply.status, body=data or None, headers=reply.headers)
    if data:
        response.headers["Content-Type"] = _content_type(reply)
    return response


async def _send_damaged(
    request: web.Request, reply: Reply, data: bytes, delivery: Delivery
) -> web.StreamResponse:
    transport = request.transport
    if delivery.kind == "drop":
        if transport is not None:
            transport.abort()
        return web.Response()
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.headers["Content-Type"] = _content_type(reply)
    response.content_length = len(data)
    await response.prepare(request)
    if delivery.kind == "truncate":
        await response.write(data[: delivery.keep_bytes])
        if transport is not None:
            transport.close()
        return response
    await _drip(response, data, delivery)
    return response


async def _drip(response: web.StreamResponse, data: bytes, delivery: Delivery) -> None:
    try:
        for start in range(0, len(data), delivery.chunk_bytes):
            if start:  # none after the last: the client has all of it then, and may call again
                await asyncio.sleep(delivery.gap_s)
            await response.write(data[start : start + delivery.chunk_bytes])
    except ConnectionError:
        return  # the client gave up on the dripping body, which is what the fault is for


def _content_type(reply: Reply) -> str:
    return f"{reply.content_type}; charset=utf-8" if "/json" in reply.content_type else reply.content_type
