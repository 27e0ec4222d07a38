"""A whole day without a single webhook, and one with each of them three times and out of order: at the end
Visma holds exactly what BILL asks for, and at no time held it twice.

``LEDGER_DAY=500x2000`` plays the day of a large client; the usual run plays a small one's.
"""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from deploy.sandbox import seeds
from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.books import Books, open_books
from tests.conftest import ENVIRON
from tests.support.ledger_check import Chart, Ledger, check_ledger
from tests.support.simulated_day import SimulatedDay

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(7200 if "LEDGER_DAY" in os.environ else 240)]

VENDORS, BILLS = (int(part) for part in ENVIRON.get("LEDGER_DAY", "40x120").split("x"))
PATIENCE_S = 90.0 + BILLS / 4

CHART = Chart(
    accounts={seeds.account_id(seeds.SWEDEN, number): number for number in ("4000", "5010")},
    account="6540",
    centres={seeds.department_id(seeds.SWEDEN, value): value for value in ("100", "200")},
    centre="000",
    vat_by_account={"5010": "12"},
)


def play(books: Books, seed: int, *, silent: bool) -> SimulatedDay:
    """The whole day: an hour after the other in a rush, or when all of the one before is done."""
    day = SimulatedDay(books.control, books.organization, seed, VENDORS, BILLS)
    for hour in range(day.hours):
        day.play_hour()
        if hour % 2 and silent:
            books.walk("bill", PATIENCE_S)
            books.quiet(PATIENCE_S)
        elif hour % 2:
            books.control.flush_webhooks()
            books.quiet(PATIENCE_S)
    return day


def find_differences(books: Books) -> list[str]:
    """What is wrong in Visma at this moment."""
    return check_ledger(
        Ledger(
            vendors=books.control.organization_state(books.organization, "vendors"),
            bills=books.control.organization_state(books.organization, "bills"),
            suppliers=books.suppliers(),
            invoices=books.invoices(),
            log=books.control.visma_log(books.company),
            chart=CHART,
        )
    )


def settle_day(books: Books) -> None:
    """Wait until nothing is left to do after whole walks of everything."""
    books.quiet(PATIENCE_S)
    for source in ("bill", "waiting", "visma"):
        books.walk(source, PATIENCE_S)
    books.quiet(PATIENCE_S)


@pytest.mark.parametrize("seed", [20261123])
def test_a_day_without_webhooks_ends_exactly_right(
    stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    books = open_books(stage, conn, tmp_path_factory.mktemp("silent"), 20)
    books.apply(poll_interval_s=1)
    books.walk("events")  # BILL's log of what it sent is next compared in an hour: no help today
    books.subscribe()
    books.control.add_fault("drop_hook", tenant=books.organization, times=None)
    tell(books, seed, silent=True)
    assert books.heard() == []


@pytest.mark.parametrize("seed", [20261124])
def test_a_day_of_repeated_and_reordered_webhooks_ends_exactly_right(
    stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    books = open_books(stage, conn, tmp_path_factory.mktemp("noisy"), 21, subscribed=True)
    every: dict[str, Any] = {"tenant": books.organization, "times": None}
    books.control.add_fault("repeat_hook", copies=3, **every)
    books.control.add_fault("reorder_hooks", count=20, probability=0.6, seed=seed, **every)
    books.control.add_fault("delay_hook", seconds=0.7, probability=0.4, seed=seed, **every)
    books.apply(poll_interval_s=2)
    tell(books, seed, silent=False)
    assert len(books.heard()) > BILLS
    delivered = books.control.webhooks(organization=books.organization, status=200)
    assert len(delivered) >= 3 * len({one["event"] for one in delivered})


def tell(books: Books, seed: int, *, silent: bool) -> None:
    """Play the day, wait for its end, and judge what stands in Visma."""
    began = time.monotonic()
    day = play(books, seed, silent=silent)
    books.control.flush_webhooks()
    played_s = time.monotonic() - began
    settle_day(books)
    figures = {
        "vendors": len(day.vendor_ids),
        "bills": len(day.bill_ids),
        "edits": day.edits,
        "played_s": round(played_s, 1),
        "settled_s": round(time.monotonic() - began, 1),
        "effects": len(books.effects()),
        "calls": sum(books.calls().values()),
    }
    print(figures)  # shown by -rP
    found = find_differences(books)
    stopped = books.ask("records", "list", books.id, "--state", "held")
    stopped += books.ask("records", "list", books.id, "--state", "dead")
    books.pause()
    books.control.clear_faults()
    assert [(one["kind"], one["bill_id"], one["reason"], one["detail"]) for one in stopped] == []
    assert found == [], figures
