"""Ends a worker between two steps, and spoils the answer to one of its calls.

A step is a statement or a commit on PostgreSQL, or a request to BILL or Visma. A worker that was ended
reaches nothing any more: not the database, not Redis, not the other side, whatever its ``finally`` does.

All that it leaves behind is what it wrote there, or sent: each such effect begins a new ``moment``. Ends
before two steps of the same moment, such as a read and the next one, or two statements of one transaction,
leave the same behind; what follows is the same, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import psycopg
import pytest
import redis
import redis.client
import requests

from shared import jsontext
from shared.http import DEADLINE_S, Answer, HttpSession
from shared.http_guard import CallGuard, Deadline
from shared.multipart import FilePart

Exchange = Callable[[], Answer]
Fault = Callable[["Call"], Answer]


LOOKS = {"GET", "EXISTS", "SMEMBERS", "PTTL", "SCRIPT LOAD"}
"""Commands to Redis that leave nothing behind."""


class Killed(BaseException):
    """The worker is gone; nothing of the product may catch this."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request about to be sent: ``send`` lets it have its effect; ``later`` has it sent long after."""

    guard: CallGuard
    send: Exchange
    later: Callable[[], None]


def is_write(request: requests.Request) -> bool:
    """Whether the request is to change something in Visma."""
    return request.method != "GET" and "/visma/v1/" in str(request.url)


def is_question(request: requests.Request) -> bool:
    """Whether the request changes nothing."""
    return request.method == "GET"


def arrives(call: Call) -> Answer:
    """All is well."""
    return call.send()


def drop_before(call: Call) -> NoReturn:
    """The connection drops, and nothing was done."""
    call.guard.sent = True
    raise requests.ConnectionError("dropped before the effect")


def drop_after(call: Call) -> NoReturn:
    """It was done, and the connection drops."""
    call.send()
    call.guard.sent = True
    raise requests.ConnectionError("dropped after the effect")


def time_out(call: Call) -> NoReturn:
    """No answer in time; it is done long after."""
    call.later()
    call.guard.sent = True
    raise requests.ReadTimeout("no answer in time")


def wordless_after(call: Call) -> Answer:
    """It was done, and the answer is a 500 without a word."""
    call.send()
    return Answer(500, {}, b"")


def says(status: int, message: str = "", **headers: str) -> Fault:
    """An answer of this status, and nothing was done."""
    body = jsontext.dumps({"message": message}).encode() if message else b""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda call: Answer(status, told, body)


FAULTS: dict[str, Fault] = {
    "dropped before the effect": drop_before,
    "dropped after the effect": drop_after,
    "500 with a refusal": says(500, "The financial period 202611 is closed."),
    "500 with words unknown": says(500, "Object reference not set to an instance of an object."),
    "500 without a word after the effect": wordless_after,
    "timed out, done later": time_out,
    "412": says(412),
    "429": says(429, Retry_After="3"),
    "401": says(401),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that the worker was about to do, and in which moment."""

    what: str
    moment: int


@dataclass
class Injector:
    """Notes the steps of the worker under test, ends it at one, and spoils one of its calls."""

    kill_at: int | None = None
    fault: Fault = arrives
    fault_at: int = 0
    is_meant: Callable[[requests.Request], bool] = lambda _: True
    calls: int = 0
    moment: int = 0
    late: list[Exchange] = field(default_factory=list)
    running: bool = False
    dead: bool = False
    killed: bool = False
    faulted: bool = False
    steps: list[Step] = field(default_factory=list)
    wrote: dict[psycopg.Connection[Any], bool] = field(default_factory=dict)
    """Transactions under way, and whether they wrote: nothing of it is there before their end."""

    def arm(self, *, kill_at: int | None, fault: Fault, fault_at: int) -> None:
        """Begin anew: end the worker before this step (None: never), spoil this call (0: none)."""
        self.kill_at, self.fault, self.fault_at = kill_at, fault, fault_at
        self.calls = self.moment = 0
        self.killed = self.faulted = False
        self.steps = []

    def disarm(self) -> None:
        """Let all go well from here on."""
        self.kill_at, self.fault_at = None, 0

    @contextmanager
    def worker(self) -> Iterator[None]:
        """The code within is the worker's; it may end in ``Killed``."""
        self.running, self.dead = True, False
        self.note_effect()
        try:
            yield
            # had anything caught the end, the worker would have gone on to here
            assert not self.dead, "something caught the worker's end"
        finally:
            self.running = self.dead = False

    def step(self, what: str) -> None:
        """The worker is about to do ``what``."""
        if not self.running:
            return
        self.refuse_the_dead()
        self.steps.append(Step(what, self.moment))
        if len(self.steps) == self.kill_at:
            self.killed = self.dead = True
            raise Killed(what)

    def note_effect(self) -> None:
        """Something was done that outlives the worker."""
        if self.running:
            self.moment += 1

    def note_write(self, conn: psycopg.Connection[Any]) -> None:
        """Something was written in PostgreSQL, for good or until the transaction's end."""
        if conn in self.wrote:
            self.wrote[conn] = True
        else:
            self.note_effect()

    def refuse_the_dead(self) -> None:
        """Whoever was ended does nothing more."""
        if self.running and self.dead:
            raise Killed("dead already")

    def exchange(
        self, request: requests.Request, guard: CallGuard, send: Callable[[CallGuard], Answer]
    ) -> Answer:
        """Carry a request out, or spoil it."""

        def send_late() -> Answer:
            with CallGuard(Deadline(DEADLINE_S)) as anew:
                return send(anew)

        self.step(f"{request.method} {request.url}")
        if not self.running or not self.is_meant(request):
            return send(guard)
        self.calls += 1
        self.note_effect()
        if self.calls != self.fault_at:
            return send(guard)
        self.faulted = True
        if isinstance(request.data, FilePart):  # its file is closed before a late request arrives
            request.data = b"".join(request.data)
        return self.fault(Call(guard, lambda: send(guard), lambda: self.late.append(send_late)))

    def happen_late(self) -> None:
        """What timed out is done now."""
        late, self.late = self.late, []
        for send in late:
            send()


def install(injector: Injector, patch: pytest.MonkeyPatch) -> None:
    """Stand between the product and its database, its Redis and its upstream systems."""
    patch.setattr(psycopg.Connection, "execute", _execute_step(injector, psycopg.Connection.execute))
    patch.setattr(
        psycopg.Connection, "transaction", _transaction_step(injector, psycopg.Connection.transaction)
    )
    exchange = HttpSession._exchange

    def exchange_step(http: HttpSession, request: requests.Request, guard: CallGuard, read: Any) -> Answer:
        return injector.exchange(request, guard, lambda own: exchange(http, request, own, read))

    patch.setattr(HttpSession, "_exchange", exchange_step)
    for owner, name in ((redis.Redis, "execute_command"), (redis.client.Pipeline, "execute")):
        patch.setattr(owner, name, _unless_dead(injector, getattr(owner, name)))


def _execute_step(injector: Injector, execute: Callable[..., Any]) -> Callable[..., Any]:
    def execute_step(conn: psycopg.Connection[Any], query: Any, *args: Any, **options: Any) -> Any:
        if not query:  # the pool's question whether the server is there
            return execute(conn, query, *args, **options)
        what = _first_line(query)
        injector.step(what)
        found = execute(conn, query, *args, **options)
        if not what.startswith("SELECT"):
            injector.note_write(conn)
        return found

    return execute_step


def _transaction_step(injector: Injector, transaction: Callable[..., Any]) -> Callable[..., Any]:
    @contextmanager
    def transaction_step(conn: psycopg.Connection[Any], *args: Any, **options: Any) -> Iterator[Any]:
        is_outermost = conn not in injector.wrote
        injector.wrote.setdefault(conn, False)
        try:
            with transaction(conn, *args, **options) as inner:
                yield inner
                injector.step("commit")
        finally:
            if is_outermost and injector.wrote.pop(conn):
                injector.note_effect()

    return transaction_step


def _unless_dead(injector: Injector, method: Callable[..., Any]) -> Callable[..., Any]:
    """A command to Redis: none of a dead worker's, and what is no mere look leaves something behind."""

    def call(*args: Any, **options: Any) -> Any:
        injector.refuse_the_dead()
        found = method(*args, **options)
        name = args[1] if len(args) > 1 else "pipeline"
        if name not in LOOKS and (name != "DEL" or found):
            injector.note_effect()
        return found

    return call


def _first_line(query: Any) -> str:
    text = query.decode() if isinstance(query, bytes) else str(query)
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("--")), text)[:80]
