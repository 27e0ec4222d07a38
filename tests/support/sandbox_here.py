"""The sandbox in this process: the product's own HTTP session talks to it, without a socket between.

The same worlds, routes, doors and control interface as the sandbox process has. What takes time there,
such as a release, happens here as soon as the answer is out. Faults of the control interface are not
played: whoever needs some spoils the calls himself.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from multidict import CIMultiDict, MultiDict
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from deploy.sandbox.app import Way, find_ways, urls
from deploy.sandbox.console.desk import Desk, Handler
from deploy.sandbox.console.routes import ROUTES
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json, dumps, loads
from deploy.sandbox.launch import Addresses
from deploy.sandbox.tasks import Tasks
from deploy.sandbox.visma.gate import VismaFront
from deploy.sandbox.wire import Call, Reply
from deploy.sandbox.world import World
from shared.http_guard import _note_sent

ORIGIN = "http://127.0.0.1:1"
"""Where nobody listens: a request that came past the adapter would fail."""

HERE = Addresses(**urls(ORIGIN), pid=0)

T = TypeVar("T")


class SandboxHere:
    """Both simulated systems, answering calls of functions."""

    def __init__(self) -> None:
        self._tasks = _TasksHere()
        self.world = World(tasks=self._tasks)
        ways = list(find_ways(self.world))
        self._ways = _Table((way.method, way.path, way) for way in ways)
        self._gates = {id(way.front): way.front for way in ways if isinstance(way.front, VismaFront)}
        self._rows: tuple[Any, ...] = ()

    def answer(self, request: requests.PreparedRequest) -> Reply:
        """The way of a request, as ``deploy.sandbox.front`` goes it."""
        url = urlsplit(str(request.url))
        method, path = str(request.method), unquote(url.path)
        found = self._ways.get(method, path)
        call = self._make_call(request, found, method, path, url.query)
        front = found.target.front
        front.identify(call)
        with self.world.calls.in_flight(call) as running:
            reply = front.admit(call, running) or found.target.answer(call)
            front.finish(call, reply)
        self.world.calls.count(call, reply.status)
        self._tasks.run()
        return reply

    def _make_call(
        self, request: requests.PreparedRequest, found: _Found[Way], method: str, path: str, query: str
    ) -> Call:
        return Call(
            system=found.target.front.name,
            method=method,
            path=path,
            template=found.target.path,
            params=found.params,
            query=MultiDict(parse_qsl(query, keep_blank_values=True)),
            headers=CIMultiDict(request.headers),
            body=_body(request.body),
            received_at=self.world.clock.now(),
            origin=ORIGIN,
        )

    def snapshot(self, organization: str, company: str) -> Callable[[], None]:
        """What puts an organization and a company back to how they are now; its hour begins anew."""
        bill, visma = self.world.bill.organizations, self.world.visma.companies
        out = io.BytesIO()
        _Pickler(self.world, out).dump((bill[organization], visma[company], self.world.ids))
        kept = out.getvalue()

        def restore() -> None:
            found = _Unpickler(self.world, io.BytesIO(kept)).load()
            bill[organization], visma[company] = found[:2]
            self.world.ids.__dict__.update(found[2].__dict__)
            for key in self.world.bill.dev_keys.values():
                key.calls = key.logins = 0
            for gate in self._gates.values():
                gate.windows.clear()

        return restore


class AdapterHere(BaseAdapter):
    """Stands in the place of the adapter that opens sockets."""

    def __init__(self, sandbox: SandboxHere) -> None:
        super().__init__()
        self._sandbox = sandbox

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer a request."""
        _note_sent()
        reply = self._sandbox.answer(request)
        response = requests.Response()
        response.status_code, response.url, response.request = reply.status, str(request.url), request
        response.headers = CaseInsensitiveDict(reply.headers)
        response.raw = HTTPResponse(io.BytesIO(reply.data()), preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""


class ControlHere(SandboxControl):
    """The control interface without a socket; values still go through JSON, as they would."""

    def __init__(self, sandbox: SandboxHere) -> None:
        super().__init__(ORIGIN)
        self.world = sandbox.world
        self._handlers = _Table((method, path.removeprefix("/control"), to) for method, path, to in ROUTES)

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        timeout_s: float = 0.0,
    ) -> Any:
        found: _Found[Handler] = self._handlers.get(method, path)
        sent = loads(dumps(body)) if body is not None else {}
        return loads(dumps(found.target(Desk(self.world, found.params, query or {}, sent))))


class _Found(NamedTuple, Generic[T]):
    """Who answers, and what the path told."""

    target: T
    params: dict[str, str]


class _Table(Generic[T]):
    """Targets by method and path template; the first that matches counts."""

    def __init__(self, rows: Iterable[tuple[str, str, T]]) -> None:
        self._rows = [(method, re.compile(_pattern(path)), target) for method, path, target in rows]

    def get(self, method: str, path: str) -> _Found[T]:
        for wanted, pattern, target in self._rows:
            if wanted in {method, "*"} and (match := pattern.fullmatch(path)):
                return _Found(target, match.groupdict())
        raise LookupError(f"nobody answers {method} {path}")


def _pattern(template: str) -> str:
    named = re.sub(r"\{(\w+):([^}]+)\}", r"(?P<\1>\2)", template)
    return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", named)


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b"".join(body)


class _TasksHere(Tasks):
    """What is to happen later happens once the answer is out."""

    def __init__(self) -> None:
        super().__init__()
        self._later: list[Callable[[], Any]] = []

    def after(self, seconds: float, act: Callable[[], Any]) -> None:
        self._later.append(act)

    def run(self) -> None:
        while self._later:
            self._later.pop(0)()


class _Pickler(pickle.Pickler):
    """Keeps the world, its clock and its bell out: they go on."""

    def __init__(self, world: World, out: io.BytesIO) -> None:
        super().__init__(out, pickle.HIGHEST_PROTOCOL)
        self._world = world

    def persistent_id(self, thing: object) -> str | None:
        if thing is self._world.clock:
            return "clock"
        return "bump" if isinstance(thing, MethodType) and thing == self._world.bump else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, world: World, kept: io.BytesIO) -> None:
        super().__init__(kept)
        self._world = world

    def persistent_load(self, name: str) -> object:
        return getattr(self._world, name)
