"""A request to the control interface, and how its errors are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.sandbox.bill.errors import Refusal
from deploy.sandbox.bill.models import Organization
from deploy.sandbox.faults import BadRule
from deploy.sandbox.jsonio import Json, dumps, loads
from deploy.sandbox.options import BadOption
from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.errors import BusinessError, ModelError
from deploy.sandbox.world import World


class Missing(Exception):
    """There is no such organization, company or record."""


@dataclass(slots=True)
class Desk:
    """One control request, read whole."""

    world: World
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Json

    @property
    def org(self) -> Organization:
        """The organization the path names; raises Missing."""
        found = self.world.bill.organizations.get(self.params["org"])
        if found is None:
            raise Missing(f"no organization {self.params['org']}")
        return found

    @property
    def company(self) -> Company:
        """The company the path names; raises Missing."""
        found = self.world.visma.companies.get(self.params["company"])
        if found is None:
            raise Missing(f"no company {self.params['company']}")
        return found


Handler = Callable[[Desk], Any]
AsyncHandler = Callable[[Desk], Awaitable[Any]]


def served(world: World, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An aiohttp handler around a control handler that answers at once."""

    async def answer(desk: Desk) -> Any:
        return handler(desk)

    return served_later(world, answer)


def served_later(world: World, handler: AsyncHandler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An aiohttp handler around a control handler that may wait."""

    async def serve(request: web.Request) -> web.Response:
        try:
            desk = Desk(world, request.match_info, request.query, await _body(request))
            value = await handler(desk)
        except Missing as error:
            return _answer({"error": str(error)}, 404)
        except (Refusal, BusinessError, ModelError, BadRule, BadOption) as error:
            return _answer({"error": str(error)}, 400)
        except (KeyError, ValueError, TypeError) as error:
            return _answer({"error": f"{type(error).__name__}: {error}"}, 400)
        world.bump()
        return _answer(value, 200)

    return serve


async def _body(request: web.Request) -> Json:
    raw = await request.read()
    value = loads(raw) if raw else {}
    if not isinstance(value, dict):
        raise ValueError("a JSON object is expected")
    return value


def _answer(value: Any, status: int) -> web.Response:
    return web.Response(status=status, text=dumps(value), content_type="application/json")
