"""The private parts of Flower 2.2 that our pages stand on: a Flower that moved one is noticed here."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flower.urls
import flower.utils.template
import pytest
from tornado.web import HTTPError, RequestHandler

from tests.support.source import ROOT
from workers.flower import install
from workers.flower.install import PageLoader, add_links, find_moved_parts, install_pages, pages
from workers.flower.page import Action, Page

pytestmark = pytest.mark.unit

FLOWERS = Path(str(flower.urls.settings["template_path"]))


@pytest.fixture
def fresh_flower(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Flower's lists as they were, afterwards too."""
    handlers, settings = list(flower.urls.handlers), dict(flower.urls.settings)
    yield
    flower.urls.handlers[:] = handlers
    flower.urls.settings.clear()
    flower.urls.settings.update(settings)


def test_flower_is_pinned_to_the_minor_version_whose_parts_are_known() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert "flower==2.2.*" in config["options"]["install_requires"].split()
    assert version("flower").startswith("2.2.")
    assert find_moved_parts() == []


def test_the_pages_go_before_the_route_that_answers_everything(fresh_flower: None) -> None:
    before = len(flower.urls.handlers)
    install_pages()
    assert len(flower.urls.handlers) == before + len(pages())
    assert [route.name for route in flower.urls.handlers[:2]] == ["dead-letters", "dead-letter"]
    assert flower.urls.handlers[-1][0] == r".*"


def test_a_moved_part_stops_flower_with_its_name(fresh_flower: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "NAVBAR_LAST", ">Elsewhere</a>")
    assert find_moved_parts() == ["the navigation bar"]
    with pytest.raises(RuntimeError, match="the navigation bar"):
        install_pages()
    assert not isinstance(flower.urls.settings.get("template_loader"), PageLoader)


def test_the_links_stand_in_the_main_navigation() -> None:
    text = (FLOWERS / "navbar.html").read_text("utf-8")
    changed = add_links(text)
    main, _, rest = changed.partition("</ul>")
    assert main.count("{% for name, title in (('dead-letters'") == 1
    assert "app-nav-secondary" in rest
    assert add_links("<nav>other</nav>") == "<nav>other</nav>"


def test_our_templates_have_names_of_their_own_and_all_can_be_read() -> None:
    ours = {path.name for path in install.TEMPLATES.glob("*.html")}
    assert ours & {path.name for path in FLOWERS.glob("*.html")} == set()
    loader = PageLoader(str(FLOWERS))
    for name in sorted(ours):
        loader.load(name).generate  # noqa: B018 - parsing is what is tried
    assert len(ours) >= 10


def test_templates_escape_what_they_show_but_for_words_of_ours() -> None:
    raw = {
        (path.name, line.strip())
        for path in install.TEMPLATES.glob("*.html")
        for line in path.read_text("utf-8").splitlines()
        if "{% raw" in line and "{% raw spoken(" not in line
    }
    assert raw == set()
    assert not any("autoescape" in path.read_text("utf-8") for path in install.TEMPLATES.glob("*.html"))


def test_pages_ask_nobody_else_for_anything() -> None:
    for folder in (install.TEMPLATES, install.STATIC):
        for path in folder.iterdir():
            assert "//" not in path.read_text("utf-8").replace("// ", ""), path.name


@pytest.mark.parametrize("route", pages(), ids=lambda route: str(route.name))
def test_every_route_is_one_of_our_pages_and_acts_by_post_alone(route: Any) -> None:
    if route.name == "connector-static":
        return
    assert issubclass(route.handler_class, Page)
    acts = "post" in vars(route.handler_class)
    assert acts == issubclass(route.handler_class, Action)
    if acts:
        assert route.handler_class.SUPPORTED_METHODS == ("POST",)


def test_a_page_takes_no_name_of_flowers_templates() -> None:
    tools = {"age", "moment", "spoken", "address", "links", "tab", "may_act", "note", "actor"}
    assert tools & set(vars(flower.utils.template)) == set()
    assert issubclass(HTTPError, Exception) and issubclass(Page, RequestHandler)


def test_every_picture_of_the_readme_is_one_that_a_test_takes() -> None:
    shown = set(re.findall(r"\(deploy/pictures/([a-z-]+)\.png\)", (ROOT / "README.md").read_text("utf-8")))
    taken = {
        name
        for path in (ROOT / "tests" / "browser").glob("test_*.py")
        for name in re.findall(r'picture\(page, "([a-z-]+)"\)', path.read_text("utf-8"))
    }
    kept = {path.stem for path in (ROOT / "deploy" / "pictures").glob("*.png")}
    assert len(shown) >= 3
    assert shown <= taken == kept
