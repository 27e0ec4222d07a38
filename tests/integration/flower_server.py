"""Flower with our pages in this process, in a thread of its own, on a free port."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import flower.app
import flower.urls
import requests
from celery import Celery
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from workers.flower.install import install_pages

OPTIONS = {
    "url_prefix": None, "auth": None, "basic_auth": ["anna:s3cret", "lars:other"], "read_only": False,
    "inspect_timeout": 1000.0, "debug": False, "cookie_secret": None, "xheaders": False,
}  # fmt: skip
_XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')


@dataclass
class Visitor:
    """A browser as far as requests go: it keeps its cookies, and sends a form's token along."""

    url: str
    user: tuple[str, str] | None = ("anna", "s3cret")
    http: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, status: int = 200) -> str:
        """A page."""
        answer = self.http.get(self.url + path, auth=self.user, timeout=20)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.text

    def post(
        self, path: str, data: Mapping[str, Any] | None = None, *, token: bool = True, **headers: str
    ) -> Any:
        """Press a button; the answer, not followed. The token is that of the page Dead letters."""
        sent = dict(data or {})
        if token:
            found = _XSRF.search(self.get("/tenants"))
            sent["_xsrf"] = found[1] if found else self.http.cookies.get("_xsrf")
        return self.http.post(
            self.url + path, data=sent, auth=self.user, headers=headers, timeout=20, allow_redirects=False
        )


@contextmanager
def serving(capp: Celery, **options: Any) -> Iterator[str]:
    """The address of a Flower with these options."""
    handlers, settings = list(flower.urls.handlers), dict(flower.urls.settings)
    install_pages()
    started: dict[str, Any] = {}
    up = threading.Event()

    async def serve() -> None:
        loop, given = IOLoop.current(), SimpleNamespace(**{**OPTIONS, **options})
        app = flower.app.Flower(capp=capp, options=given, events=SimpleNamespace(), io_loop=loop,
                                **flower.urls.settings)  # fmt: skip
        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(app)
        server.add_sockets(sockets)
        end = asyncio.Event()
        started.update(port=sockets[0].getsockname()[1], loop=loop, end=end)
        up.set()
        await end.wait()
        server.stop()
        await server.close_all_connections()
        app.executor.shutdown()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="flower")
    thread.start()
    assert up.wait(20)
    try:
        yield f"http://127.0.0.1:{started['port']}"
    finally:
        started["loop"].add_callback(started["end"].set)
        thread.join(20)
        flower.urls.handlers[:] = handlers
        flower.urls.settings.clear()
        flower.urls.settings.update(settings)
