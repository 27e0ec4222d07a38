"""Flower in a real browser: closed to strangers, and showing the connector's worker and tasks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, HttpCredentials, Page, expect
from playwright.sync_api import Error as PlaywrightError

from deploy.stage import Stage
from tests.acceptance.firm import Firm
from tests.support.staging import FLOWER_USER, WORKER_NAME

pytestmark = pytest.mark.browser

UPSERT = "connector.upsert_supplier"
REFUSED = "ERR_INVALID_AUTH_CREDENTIALS|ERR_HTTP_RESPONSE_CODE_FAILURE"


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/workers", "/broker", "/api/tasks", "/dead-letters", "/held", "/tenants"]
)
def test_flower_lets_no_stranger_in(browser: Browser, stage: Stage, path: str) -> None:
    with browser.new_context() as context, pytest.raises(PlaywrightError, match=REFUSED):
        context.new_page().goto(stage.addresses.flower_url + path)
    guess = HttpCredentials(username=FLOWER_USER, password="a guess")
    for sign_in in (None, guess):
        with browser.new_context(http_credentials=sign_in) as context:
            assert context.request.get(stage.addresses.flower_url + path).status == 401


def test_flower_shows_the_worker_and_what_it_did(page: Page, synced: Firm) -> None:
    page.goto("/")
    worker = page.get_by_role("row").filter(has_text=f"celery@{WORKER_NAME}")
    expect(worker).to_contain_text("Online")

    page.goto(f"/tasks?name={UPSERT}")
    newest = page.get_by_role("row").filter(has=page.get_by_role("link", name=UPSERT, exact=True)).first
    expect(newest).to_contain_text("SUCCESS")
    newest.get_by_role("link").nth(1).click()
    details = page.get_by_role("region", name="Task details")
    expect(details).to_contain_text("SUCCESS")
    expect(details).to_contain_text(synced.id)
