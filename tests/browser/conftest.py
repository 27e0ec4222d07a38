"""A real Chromium, where there is one: skipped on a laptop without it, a failure in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, HttpCredentials, Page, expect, sync_playwright

from deploy.stage import Stage
from shared.store import progress
from shared.store.pool import connect
from tests.acceptance.firm import Firm
from tests.browser.office import Office
from tests.command_line import run
from tests.conftest import ENVIRON
from tests.support.staging import FLOWER_USER

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREEN = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "reduced_motion": "reduce"}
PATIENCE_MS = 30_000
"""How long a test waits for what should be there within a second; the machine may be busy."""
HINT = "no Chromium on PATH: apt-get install chromium, or set CHROMIUM to its program"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of the browser."""
    given = ENVIRON.get("CHROMIUM")
    found = given or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None and os.access(found, os.X_OK):
        return found
    if ENVIRON.get("CI") == "true":
        pytest.fail(HINT)
    pytest.skip(HINT)


@pytest.fixture(scope="package")  # its event loop must not run under other tests of this process
def browser(chromium: str) -> Iterator[Browser]:
    """A browser for all tests here; each opens a context of its own."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def synced(chromium: str, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """A tenant for whom a vendor was carried over, for a browser to look at."""
    with connect(stage.composition.settings.database_url, name="test") as conn:
        firm = Firm(stage, conn, 900, tmp_path_factory.mktemp("tenants"))
        firm.enroll()
        words = ("sync", firm.id, "--vendor", firm.create_vendor(), "--wait")
        done = run(dict(stage.composition.environ), *words)
        assert done.exit_code == 0, done.stderr
        yield firm
        firm.pause()


@pytest.fixture(scope="session")
def office(chromium: str, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A tenant with dead letters and held records; each test takes its own of them."""
    with connect(stage.composition.settings.database_url, name="test") as conn:
        progress.listen(conn)
        firm = Firm(stage, conn, 901, tmp_path_factory.mktemp("tenants"))
        firm.id = "nordkraft-se"
        found = Office(firm)
        found.furnish()
        yield found
        firm.pause()


@pytest.fixture
def sign_in(stage: Stage) -> HttpCredentials:
    """The operator's user name and password."""
    password = stage.composition.environ["FLOWER_BASIC_AUTH"].partition(":")[2]
    return HttpCredentials(username=FLOWER_USER, password=password)


@pytest.fixture
def open_page(browser: Browser, stage: Stage, sign_in: HttpCredentials) -> Iterator[Callable[..., Page]]:
    """Opens pages signed in as the operator; an error in a console, or a foreign address, fails the test."""
    errors: list[str] = []
    contexts = []

    def open_one(**options: object) -> Page:
        context = browser.new_context(
            http_credentials=sign_in,
            base_url=stage.addresses.flower_url,
            **{**SCREEN, **options},  # type: ignore[arg-type]
        )
        contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("request", lambda asked: errors.extend(_foreign(stage, asked.url)))
        return opened

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page signed in as the operator; an error in its console, or a foreign address, fails the test."""
    return open_page()


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Takes a picture of a page for the README where PICTURES names a folder; see `make pictures`."""
    folder = ENVIRON.get("PICTURES")

    def take(page: Page, name: str) -> None:
        if folder:
            page.wait_for_load_state("networkidle")
            page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")

    return take


def _foreign(stage: Stage, url: str) -> list[str]:
    ours = url.startswith((stage.addresses.flower_url, "data:"))
    return [] if ours else [f"asked {url}, which is not ours"]
