"""Whatever people do in BILL, whatever ends and whatever is lost: both systems agree in the end.

``make histories`` plays as many as HISTORIES says (shared among the kinds), from the seed HISTORY
on; a failure tells the seed that repeats it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from deploy.sandbox import seeds
from shared.bill import calls
from shared.store import records
from tests.acceptance.chaos.checker import (
    RELEASED,
    check_documents,
    check_order,
    check_settings,
    list_files,
)
from tests.conftest import ENVIRON
from tests.integration.crash.conftest import OpenWorkshop
from tests.integration.crash.edited_histories import EditedHistory, EditedSupplierHistory, SettledHistory
from tests.integration.crash.histories import ACCOUNTS, CENTRES, Books, History
from tests.integration.crash.more_histories import DocumentHistory, HeldHistory
from tests.integration.crash.workshop import Workshop
from tests.support.ledger_check import Chart, Ledger, check_ledger, marked_bill
from workers.sync import work

pytestmark = pytest.mark.integration

DEFAULT = 35
STEPS = 5
MOST_TOLD = 3
KINDS: dict[str, tuple[type[History], dict[str, Any]]] = {
    "BILL alone": (History, {}),
    "released": (History, {"release_invoices": True}),
    "edited in Visma": (EditedHistory, {}),
    "suppliers edited in Visma": (EditedSupplierHistory, {}),
    "documents": (DocumentHistory, {"attachments": True}),
    "released with documents": (DocumentHistory, {"attachments": True, "release_invoices": True}),
    "held vendors": (HeldHistory, {}),
}
"""Who takes part, and keys of the tenant's ``sync`` table."""

CHART = Chart(
    accounts={seeds.account_id(seeds.SWEDEN, number): number for number in ACCOUNTS},
    account="4000",
    centres={seeds.department_id(seeds.SWEDEN, value): value for value in CENTRES},
    centre="000",
)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ended give their places back when their leases end, and that time passes by itself here."""
    monkeypatch.setattr(work, "TURN_WAIT_S", 0.0)
    monkeypatch.setattr(calls, "PLACE_WAIT_S", 0.0)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "sync"), KINDS.values(), ids=KINDS.keys())
def test_both_systems_agree_in_the_end(
    open_workshop: OpenWorkshop, kind: type[History], sync: dict[str, Any]
) -> None:
    first, count = int(ENVIRON.get("HISTORY") or 1), int(ENVIRON.get("HISTORIES") or DEFAULT)
    failures: list[BaseException] = []
    with open_workshop(**sync) as shop:
        books = Books.open(shop)
        kind.prepare(shop)
        shop.keep()
        for seed in range(first, first + math.ceil(count / len(KINDS))):
            history = kind(shop, random.Random(seed), list(books.vendors), list(books.bills))
            try:
                play(history)
            except BaseException as error:
                tell(error, history, seed)
                failures.append(error)
        shop.judge_limits()
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} histories end wrong", failures[:MOST_TOLD])


def play(history: History) -> None:
    """One history."""
    shop = history.shop
    shop.restore()
    history.play(STEPS)
    shop.judge_books()
    filed = history.filed if isinstance(history, DocumentHistory) else {}
    assert find_faults(shop, filed) == []
    if isinstance(history, SettledHistory):
        assert history.overruled == []


def tell(error: BaseException, history: History, seed: int) -> None:
    """Note what happened in it, and how to repeat it."""
    shop = history.shop
    error.add_note(f"HISTORY={seed} HISTORIES={len(KINDS)}")
    error.add_note("\n".join(history.told))
    for bill in history.bills:
        error.add_note(f"{bill}: {shop.state('bill', bill)} {' '.join(shop.history('bill', bill))}")


def find_faults(shop: Workshop, filed: Mapping[str, Sequence[str]]) -> list[str]:
    """All that is wrong, by both systems' own state; a bill that changed after its release is a person's.

    ``filed`` are the names of documents by bill.
    """
    log = shop.sandbox.visma_log(shop.company)
    released = {marked_bill(effect["body"]) for effect in log if effect["kind"] == "released"}
    with shop.conn() as conn:
        rows = records.list_records(conn, shop.tenant, kind="bill", state="held")
    held = {row.bill_id for row in rows if row.reason in RELEASED} & released
    bills = shop.sandbox.organization_state(shop.organization, "bills")
    ledger = Ledger(
        vendors=shop.sandbox.organization_state(shop.organization, "vendors"),
        bills=[bill for bill in bills if bill["id"] not in held],
        suppliers=shop.suppliers(),
        invoices=[one for one in shop.invoices() if marked_bill(one) not in held],
        log=log,
        chart=CHART,
    )
    settings = {"release_invoices": shop.config.sync.release_invoices}
    files = list_files(shop.sandbox, shop.company)
    return [
        *check_ledger(ledger),
        *check_order(log),
        *check_settings(ledger, settings, released),
        *check_documents(ledger.invoices, files, filed, released),
    ]
