"""A real Chromium, where there is one: skipped on a laptop without it, a failure in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.stage import Stage
from shared.store.pool import connect
from tests.acceptance.firm import Firm
from tests.command_line import run
from tests.conftest import ENVIRON

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


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser for all tests; each opens a context of its own."""
    with sync_playwright() as playwright:
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
