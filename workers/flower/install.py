"""Puts our pages into Flower 2.2, which has no hook for it.

Three things of Flower's are touched, and none of its functions replaced: its list of routes, its settings
(a template loader that knows our templates too), and the text of its navigation bar, into which our links
go. All of that is private: setup.cfg pins the minor version, and ``find_moved_parts`` says what is no
longer where it was.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import flower.app
import flower.urls
import flower.utils.blocking
import flower.views
from tornado.template import Loader, Template
from tornado.web import RequestHandler, StaticFileHandler, url

from workers.flower.held import HeldPage
from workers.flower.held_record import HeldRecordPage, LinkAction, SuggestionPart
from workers.flower.letter_bulk import BulkAction, BulkPage, BulkProgress
from workers.flower.letter_detail import DiscardAction, LetterPage, LetterProgress, MappingPart, ReplayAction
from workers.flower.letters import LettersPage
from workers.flower.tenants import TenantAction, TenantsPage, WebhookPart

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"

NAVBAR = "navbar.html"
NAVBAR_END = "\n      </ul>\n"
"""The end of the main navigation; ours goes before the first of these."""
NAVBAR_LAST = ">Broker</a>"
LINKS = "pages_navbar.html"

LETTER = r"/dead-letters/([0-9]{1,18})"
RECORD = r"/held/([a-z0-9-]{1,40})/(vendor|bill)/([A-Za-z0-9_-]{1,64})"
TENANT = r"/tenants/([a-z0-9-]{1,40})"


def pages() -> list[url]:
    """Our routes."""
    return [
        url(r"/dead-letters", LettersPage, name="dead-letters"),
        url(LETTER, LetterPage, name="dead-letter"),
        url(LETTER + "/replay", ReplayAction, name="dead-letter-replay"),
        url(LETTER + "/discard", DiscardAction, name="dead-letter-discard"),
        url(LETTER + "/progress", LetterProgress, name="dead-letter-progress"),
        url(LETTER + "/mapping", MappingPart, name="dead-letter-mapping"),
        url(r"/dead-letters/many", BulkAction, name="dead-letters-many"),
        url(r"/dead-letters/many/([0-9a-f]{16})", BulkPage, name="dead-letters-job"),
        url(r"/dead-letters/many/([0-9a-f]{16})/progress", BulkProgress, name="dead-letters-job-progress"),
        url(r"/held", HeldPage, name="held"),
        url(RECORD, HeldRecordPage, name="held-record"),
        url(RECORD + "/suggestion", SuggestionPart, name="held-suggestion"),
        url(RECORD + "/link", LinkAction, name="held-link"),
        url(r"/tenants", TenantsPage, name="tenants"),
        url(TENANT + "/(pause|resume)", TenantAction, name="tenant-action"),
        url(TENANT + "/webhook", WebhookPart, name="tenant-webhook"),
        url(r"/connector-static/(.*)", StaticFileHandler, {"path": str(STATIC)}, name="connector-static"),
    ]


class PageLoader(Loader):
    """Our templates first, then Flower's; its navigation bar with our links."""

    def __init__(self, flowers: str) -> None:
        super().__init__(flowers)
        self._ours = {path.name for path in TEMPLATES.glob("*.html")}

    def _create_template(self, name: str) -> Template:
        folder = TEMPLATES if name in self._ours else Path(self.root)
        text = (folder / name).read_text("utf-8")
        return Template(add_links(text) if name == NAVBAR else text, name=name, loader=self)


def add_links(navbar: str) -> str:
    """Flower's navigation bar with our links behind its own; as it is where it has no place for them."""
    head, end, tail = navbar.partition(NAVBAR_END)
    if not end or NAVBAR_LAST not in head:
        return navbar
    return f"{head}\n{(TEMPLATES / LINKS).read_text('utf-8')}{end.lstrip(chr(10))}{tail}"


def install_pages() -> None:
    """Put the pages into the Flower of this process. Raises RuntimeError where Flower has moved a part."""
    moved = find_moved_parts()
    if moved:
        raise RuntimeError(f"this Flower is not the one our pages were made for: {'; '.join(moved)}")
    flower.urls.handlers[0:0] = pages()  # before the last one, which answers everything with 404
    flower.urls.settings["template_loader"] = PageLoader(flower.urls.settings["template_path"])
    flower.urls.settings["xsrf_cookie_kwargs"] = {"samesite": "Lax"}


def find_moved_parts() -> list[str]:
    """What of Flower's private parts is not where our pages need it; empty while all is well."""
    handler = flower.views.BaseHandler
    run = inspect.signature(flower.utils.blocking.BlockingOperationRunner.run)
    navbar = Path(flower.urls.settings["template_path"], NAVBAR).read_text("utf-8")
    base = Path(flower.urls.settings["template_path"], "base.html").read_text("utf-8")
    parts = {
        "the list of routes": flower.app.default_handlers is flower.urls.handlers
        and flower.urls.handlers[-1][0] == r".*",
        "BaseHandler": issubclass(handler, RequestHandler)
        and {"get_current_user", "check_xsrf_cookie", "render", "write_error"} <= vars(handler).keys(),
        "blocking_runner": list(run.parameters)[:4] == ["self", "operation", "target", "func"],
        "the template loader": "template_loader" not in flower.urls.settings
        or isinstance(flower.urls.settings["template_loader"], PageLoader),
        "the navigation bar": add_links(navbar) != navbar,
        "the frame": all(f"{{% block {name} %}}" in base for name in ("title", "navbar", "container")),
        "the frame's scripts": "{% block extra_scripts %}" in base,
    }
    return [what for what, stands in parts.items() if not stands]
