"""The page Dead letters in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.office import LETTERS, REFUSED, Office

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]
OPEN_ONE = re.compile(r"^#[0-9]+$")


def rows_of(page: Page) -> Locator:
    """The letters of the list."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=OPEN_ONE))


def open_letter(page: Page, office: Office, label: str) -> None:
    """Find a letter by its invoice number and open it."""
    page.goto(f"/dead-letters?tenant={office.id}&q={label}")
    rows_of(page).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Refused by Visma")


def succeeded(page: Page) -> Locator:
    """What the page says once a replay ended well."""
    return page.get_by_role("status").filter(has_text="It succeeded: in Visma it is Invoice")


def test_a_letter_is_found_opened_replayed_and_seen_to_succeed(
    page: Page, office: Office, picture: Picture
) -> None:
    page.goto("/")
    page.get_by_role("link", name="Dead letters").click()
    page.get_by_label("Tenant").select_option(office.id)
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(f"tenant={office.id}"))
    expect(rows_of(page)).to_have_count(LETTERS)
    picture(page, "dead-letters")
    page.get_by_label("Search").fill("F-1001")
    page.get_by_label("Search").press("Enter")
    expect(rows_of(page)).to_have_count(1)
    expect(rows_of(page)).to_contain_text(office.vendor)
    rows_of(page).get_by_role("link").click()

    expect(page.get_by_text(f"F-1001 of {office.vendor}, client {office.id}")).to_be_visible()
    happened = page.get_by_role("region", name="What happened")
    expect(happened).to_contain_text("bill.created")
    expect(happened).to_contain_text("As things are now it becomes a supplier invoice: 1,250.00 SEK")
    expect(happened).to_contain_text(REFUSED)
    picture(page, "dead-letter")
    page.get_by_role("button", name="Replay").click()
    expect(succeeded(page)).to_be_visible()
    expect(happened).to_contain_text("Visma has what BILL has.")
    next_step = page.get_by_role("region", name="Next step")
    expect(next_step).to_contain_text("Nothing is left to do: in Visma it is Invoice")
    expect(next_step).to_contain_text("Replayed by anna")
    expect(happened).to_contain_text("Answer then")
    expect(page.get_by_role("region", name="History")).to_contain_text("created")
    picture(page, "dead-letter-replayed")
    office.firm.settle("bill", office.dead_bills[0])


def test_of_two_who_replay_one_letter_the_second_is_told_so(
    open_page: Callable[[], Page], office: Office
) -> None:
    first, second = open_page(), open_page()
    for page in (first, second):
        open_letter(page, office, "F-1002")
    first.get_by_role("button", name="Replay").click()
    expect(succeeded(first)).to_be_visible()
    second.get_by_role("button", name="Replay").click()
    expect(second.get_by_text("is replayed already, by anna")).to_be_visible()
    expect(second.get_by_role("button", name="Replay")).to_have_count(0)
    posted = [one for one in office.firm.invoices() if one["supplierReference"] == "F-1002"]
    assert len(posted) == 1


def test_several_letters_are_replayed_together_and_their_end_is_shown(page: Page, office: Office) -> None:
    page.goto(f"/dead-letters?tenant={office.id}")
    expect(page.get_by_role("button", name="Replay selected")).to_be_disabled()
    for label in ("F-1003", "F-1004", "F-1005"):
        rows_of(page).filter(has_text=label).get_by_role("checkbox").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_role("button", name="Replay selected").click()
    progress = page.get_by_role("region", name="Progress")
    expect(progress).to_contain_text("3 of 3 replayed.")
    expect(progress.get_by_role("list", name="What became")).to_contain_text("3 synced")
    for bill_id in office.dead_bills[2:5]:
        office.firm.settle("bill", bill_id)


def test_a_letter_is_discarded_with_a_reason_and_found_again(page: Page, office: Office) -> None:
    open_letter(page, office, "F-1006")
    page.get_by_role("button", name="Discard").click()  # without a reason the browser asks for it
    expect(page.get_by_role("button", name="Replay")).to_be_visible()
    page.get_by_label("Reason for discarding").fill("entered <b>by hand</b>")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("region", name="Next step")).to_contain_text(
        re.compile("Discarded by anna on .*: entered <b>by hand</b>")
    )
    page.goto(f"/dead-letters?tenant={office.id}&state=discarded")
    expect(rows_of(page)).to_have_count(1)
    expect(rows_of(page)).to_contain_text("F-1006")


def test_a_letter_is_replayed_with_the_keyboard_alone(page: Page, office: Office) -> None:
    page.goto(f"/dead-letters?tenant={office.id}")
    row = rows_of(page).filter(has_text="F-1007")
    tab_to(page, row.get_by_role("link"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Refused by Visma")
    tab_to(page, page.get_by_role("button", name="Replay"))
    page.keyboard.press("Enter")
    expect(succeeded(page)).to_be_visible()


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus, as far as a page goes."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => element.matches(':focus-visible')")
            return
    raise AssertionError("the keyboard does not reach it")
