"""The pages Held and Tenants in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import BEHIND, TWINS, Office

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]


def test_a_held_vendor_is_linked_with_one_click_and_its_bills_go(
    page: Page, office: Office, picture: Picture
) -> None:
    page.goto("/")
    page.get_by_role("link", name="Held").click()
    page.get_by_label("Tenant").select_option(office.id)
    page.get_by_role("button", name="Filter").click()
    group = page.get_by_role("region", name="ambiguous supplier")
    expect(group).to_contain_text(f"{BEHIND} bills wait for it")
    expect(page.get_by_role("region", name="vendor held")).to_contain_text("H-2001")
    picture(page, "held")

    group.get_by_role("link", name=TWINS[0]).click()
    candidates = page.get_by_role("region", name="Suppliers it may be")
    number = office.twin_numbers[1]
    expect(candidates.get_by_role("row").filter(has_text=number)).to_contain_text("has the same name")
    picture(page, "held-vendor")
    candidates.get_by_role("button", name=f"Link to supplier {number}").click()
    said = f"is linked to supplier {number} ({TWINS[1]}). {BEHIND} bills that waited for it go on."
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("region", name="History")).to_contain_text("anna")
    for bill_id in office.waiting_bills:
        office.firm.settle("bill", bill_id)
    page.goto(f"/held?tenant={office.id}")
    expect(page.get_by_role("region", name="unmapped account")).to_be_visible()
    expect(page.get_by_text("H-200")).to_have_count(0)
    moved = [one for one in office.firm.invoices() if one["supplierReference"].startswith("H-200")]
    assert [one["supplier"]["number"] for one in moved] == [number] * BEHIND


def test_an_unmapped_account_comes_with_the_lines_that_free_it(page: Page, office: Office) -> None:
    page.goto(f"/held?tenant={office.id}&reason=unmapped_account")
    page.get_by_role("link", name="M-3001").click()
    lacks = page.get_by_role("region", name="What the file lacks")
    expect(lacks).to_contain_text('[mapping.accounts]\n"0caSE654000000000000" = "6540"')
    expect(lacks).to_contain_text('"0deSE300000000000000" = "300"')


def test_a_tenant_is_paused_and_resumed(page: Page, office: Office, picture: Picture) -> None:
    page.goto("/")
    page.get_by_role("link", name="Tenants").click()
    card = page.get_by_role("article", name=office.id)
    page.goto(f"/tenants?behind={office.id[:-1]}")  # those of other tests may fill the page before
    expect(card).to_contain_text("Circuits")
    expect(card).to_contain_text("BILL closed")
    card.get_by_role("link", name="Ask BILL").click()
    expect(card).to_contain_text("BILL delivers to http")
    picture(page, "tenants")
    page.get_by_role("button", name=f"Pause {office.id}").click()
    expect(card).to_contain_text("paused by anna just now")
    page.get_by_role("button", name=f"Resume {office.id}").click()
    expect(card).to_contain_text("resumed by anna just now")
    expect(card.get_by_role("heading")).to_contain_text("active")


@pytest.mark.parametrize("path", ["/dead-letters", "/dead-letters?state=all", "/held", "/tenants"])
def test_pages_fit_a_narrow_screen(open_page: Callable[..., Page], office: Office, path: str) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    page.goto(path)
    fits = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits)
    page.get_by_role("button", name="Toggle navigation").click()
    expect(page.get_by_role("link", name="Dead letters", exact=True).first).to_be_visible()


def test_pages_are_dark_where_flower_is(open_page: Callable[..., Page], office: Office) -> None:
    page = open_page(color_scheme="dark")
    page.goto(f"/dead-letters?state=all&tenant={office.id}")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    colour = page.locator(".connector-page .broker-table-card").evaluate(
        "card => getComputedStyle(card).backgroundColor"
    )
    assert colour == "rgb(27, 34, 25)"


def test_an_address_that_is_none_says_so_in_the_frame(page: Page, office: Office) -> None:
    answer = page.request.get("/dead-letters/999999999")
    assert answer.status == 404
    assert re.search("There is no dead letter 999999999", answer.text())
    assert 'aria-label="Primary navigation"' in answer.text()
