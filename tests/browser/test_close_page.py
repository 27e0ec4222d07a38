"""The month-end page in a real browser: sorted without a network, printed, and harmless."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.unit.workers.close.proofs import HOSTILE, make_proof, make_report
from workers.close.page import write_page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a network; an error in its console, a dialog or a request fails the test."""
    with browser.new_context(offline=True) as context:
        opened = context.new_page()
        wrong: list[str] = []
        opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("dialog", lambda dialog: wrong.append(dialog.message))
        opened.on(
            "request", lambda sent: wrong.append(sent.url) if not sent.url.startswith("file:") else None
        )
        yield opened
    assert wrong == []


def open_proof(page: Page, folder: Path, supplier: str | None = None) -> str:
    """File a proof as the command does, and open it; its text."""
    file = folder / "proof.html"
    text = write_page(make_report(make_proof(40, supplier=supplier)))
    file.write_text(text, "utf-8")
    page.goto(file.as_uri())
    return text


def column(page: Page, place: int) -> list[str]:
    """The texts of a column of the table of bills."""
    return page.locator(f"#bills tbody tr td:nth-child({place})").all_inner_texts()


def number(text: str) -> float:
    return float(re.sub(r"\s", "", text).replace("\u2212", "-").replace(",", "."))


def test_columns_are_sorted_by_mouse_and_by_keyboard(
    page: Page, tmp_path: Path, picture: Callable[[Page, str], None]
) -> None:
    open_proof(page, tmp_path)
    expect(page.locator("#verdict")).to_contain_text("do not agree: 3 differences")
    picture(page, "close")
    amounts = page.locator("#bills").get_by_role("columnheader", name="BILL", exact=True)
    amounts.get_by_role("button").click()
    expect(amounts).to_have_attribute("aria-sort", "ascending")
    shown = [number(text) for text in column(page, 5) if text]
    assert shown == sorted(shown)
    assert shown[0] < -1000 < 4000 < shown[-1], "as numbers, not as texts"
    amounts.get_by_role("button").press("Enter")
    expect(amounts).to_have_attribute("aria-sort", "descending")
    assert [number(text) for text in column(page, 5) if text] == shown[::-1]
    page.locator("#bills").get_by_role("button", name="Supplier").press(" ")
    names = column(page, 3)
    assert (names[0][:4], names[-1][:5]) == ("Bröd", "Åkeri"), "as the tenant's letters go"


def test_it_prints_with_all_its_pages(page: Page, tmp_path: Path) -> None:
    open_proof(page, tmp_path)
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 3
    page.emulate_media(media="print")
    expect(page.locator("#bills tbody tr").last).to_be_visible()


def test_hostile_names_do_nothing_and_the_digest_can_be_checked(page: Page, tmp_path: Path) -> None:
    open_proof(page, tmp_path, supplier=HOSTILE)
    assert column(page, 3)[0].startswith(HOSTILE)
    assert page.locator("img").count() == 0
    data = page.locator("#data").text_content() or ""
    assert hashlib.sha256(data.encode()).hexdigest() == page.locator("#digest").inner_text()
