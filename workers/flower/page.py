"""What our pages have in common: who may see them, who acts, and work off the event loop.

A page is never open: without a sign-in configured, as without a right one, it answers 401. Whatever
changes something is a POST with XSRF token from our own origin; FLOWER_READ_ONLY refuses it.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlencode

import psycopg
import redis.exceptions
from flower.views import BaseHandler
from kombu.exceptions import OperationalError as BrokerError
from psycopg_pool import PoolTimeout
from tornado.web import HTTPError, RequestHandler, authenticated

from shared import logs
from shared.errors import ConnectorError, UsageError
from shared.store.pool import Conn
from workers.cli.errors import explain
from workers.flower.words import age, clean_name, moment, spoken
from workers.wiring import Context, get_context

T = TypeVar("T")
Tone = Literal["success", "warning", "danger"]

log = logs.get_logger(__name__)

STATEMENT_TIMEOUT_S: Final = 5
"""A page that takes longer is given up; workers wait for their rows meanwhile."""
NOTE: Final = "connector_note"
_LONGEST_NOTE: Final = 800
_EXPLAINED: Final = (ConnectorError, psycopg.Error, PoolTimeout, redis.exceptions.RedisError, BrokerError)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing but Flower's and our own files; tooltips and menus of Flower's are placed by style attributes."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What one piece of a page's work has: the process's context, and a connection with short patience."""

    context: Context
    conn: Conn


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class Page(BaseHandler):
    """One of our pages; ``tab`` is the link of the navigation bar that it belongs to."""

    tab = ""

    def set_default_headers(self) -> None:
        """Flower's, and what keeps pages with customers' data out of caches and frames."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def check_xsrf_cookie(self) -> None:
        """Strangers first, then Flower's look at the origin, and in any case the token."""
        self._refuse_strangers()
        super().check_xsrf_cookie()
        RequestHandler.check_xsrf_cookie(self)

    def prepare(self) -> None:
        """Let nobody in who did not sign in."""
        self._refuse_strangers()
        self._ask_to_sign_in()

    def _refuse_strangers(self) -> None:
        options = self.application.options
        if not (options.basic_auth or options.auth):
            raise HTTPError(401, "no sign-in is configured: set FLOWER_BASIC_AUTH")
        _ = self.current_user  # raises 401 for a wrong password

    @authenticated
    def _ask_to_sign_in(self) -> None:
        """Flower's other ways to sign in redirect to their own page."""

    @property
    def actor(self) -> str:
        """Who acts, as history names them."""
        if isinstance(self.current_user, str):
            return clean_name(self.current_user)
        _, _, coded = self.request.headers.get("Authorization", "").partition(" ")
        try:
            user = base64.b64decode(coded).decode("utf-8").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):  # Flower let it in, so this is not reached
            raise HTTPError(401) from None
        return clean_name(user)

    @property
    def may_act(self) -> bool:
        """Whether actions are offered."""
        return not self.application.options.read_only

    def refuse_read_only(self) -> None:
        """Raises 403 where Flower only shows."""
        if not self.may_act:
            raise HTTPError(403, "Flower is read-only here (FLOWER_READ_ONLY)")

    async def ask(self, what: str, work: Callable[[Desk], T]) -> T:
        """Run ``work`` in a thread with a database connection.

        Raises UsageError as an action's work does (for a page it is a 404), and HTTPError 503 with one line
        where a server does not answer.
        """
        done = await self.application.blocking_runner.run(what, self.request.path, _attempt, work)
        if not isinstance(done, _Failed):
            result: T = done
            return result
        if isinstance(done.error, UsageError) and self.request.method == "GET":
            raise HTTPError(404, str(done.error)) from done.error
        if isinstance(done.error, UsageError) or not isinstance(done.error, _EXPLAINED):
            raise done.error
        why = explain(done.error, get_context().settings)
        log.warning("page not served", action="flower.page_failed", page=what, why=why)
        raise HTTPError(503, why) from done.error

    def show(self, template: str, **values: Any) -> None:
        """Render one of our templates with what all of them use."""
        tools = {"age": age, "moment": moment, "spoken": spoken}
        links = {"address": self.address, "links": self._link_static}
        own = {"tab": self.tab, "may_act": self.may_act, "note": self._take_note(), "actor": self.actor}
        self.render(template, **tools, **links, **own, **values)

    def show_part(self, template: str, **values: Any) -> None:
        """Render a piece that a page loads afterwards."""
        self.write(self.render_string(template, moment=moment, age=age, address=self.address, **values))

    def address(self, name: str, *parts: object, **query: object) -> str:
        """The address of one of our pages; parameters without a value are left out."""
        given = {key: value for key, value in query.items() if value not in (None, "")}
        path = str(self.reverse_url(name, *parts))
        return f"{path}?{urlencode(given)}" if given else path

    def _link_static(self, name: str) -> str:
        return self.address("connector-static", name).replace("%2F", "/")

    def leave(self, url: str, text: str, tone: Tone = "success") -> None:
        """Go on to a page that shows ``text`` once."""
        if text:
            self._keep_note(text, tone)
        self.redirect(url, status=303)

    def _keep_note(self, text: str, tone: Tone) -> None:
        note = json.dumps({"text": text[:_LONGEST_NOTE], "tone": tone})
        self.set_secure_cookie(NOTE, note, expires_days=None)

    def _take_note(self) -> dict[str, str] | None:
        kept = self.get_secure_cookie(NOTE)
        if kept is None:
            return None
        self.clear_cookie(NOTE)
        found: dict[str, str] = json.loads(kept)
        return found

    def pick(self, name: str, allowed: tuple[str, ...] | None = None) -> str | None:
        """A parameter as it was sent; None for an empty one. Raises 400 for one that is not ``allowed``."""
        value = self.get_argument(name, None, escape=False)
        if not value:
            return None
        if allowed is not None and value not in allowed:
            raise HTTPError(400, f"{name} cannot be {value[:40]!r}")
        return str(value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page in Flower's frame that says in one line what is wrong."""
        if status_code == 401:
            super().write_error(status_code, **kwargs)
            return
        error = kwargs.get("exc_info", (None, None))[1]
        text = error.get_message() if isinstance(error, HTTPError) else None
        self.render("pages_error.html", tab=self.tab, text=text or "Something went wrong: see Flower's log.",
                    links=self._link_static, address=self.address)  # fmt: skip


class Action(Page):
    """Something a person does: POST alone, refused where Flower only shows."""

    SUPPORTED_METHODS = ("POST",)

    def prepare(self) -> None:
        """As for a page, and not where it is read-only."""
        super().prepare()
        if not self._finished:
            self.refuse_read_only()

    async def act(self, what: str, work: Callable[[Desk], str], then: str) -> None:
        """Do it and go on to ``then`` with what came of it; what is refused is told there too."""
        try:
            text = await self.ask(what, work)
        except UsageError as error:
            self.leave(then, str(error), "warning")
        else:
            self.leave(then, text)


_first = threading.Lock()


def _attempt(work: Callable[[Desk], T]) -> T | _Failed:
    """In a thread; Flower's runner would turn every error into a 500 and its traceback into a log line."""
    try:
        with _first:  # one context and one of each pool, whoever asks first
            context = get_context()
            _ = context.pool
            pool = context.page_pool
        with pool.connection() as conn:
            conn.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'".encode())
            return work(Desk(context, conn))
    except Exception as error:
        return _Failed(error)
