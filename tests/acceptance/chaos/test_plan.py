"""A plan comes from its seed alone, and the judge finds what it is there to find."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.acceptance.chaos.checker import CHART, check_documents, check_order, check_settings
from tests.acceptance.chaos.plan import BLOWS, FROZEN_S, SETTINGS, Size, make_plan
from tests.support.ledger_check import Ledger

pytestmark = pytest.mark.unit

SIZE = Size()


def test_a_seed_repeats_its_plan_and_another_makes_another() -> None:
    assert make_plan(7, SIZE) == make_plan(7, SIZE)
    assert make_plan(7, SIZE) != make_plan(8, SIZE)


@pytest.mark.parametrize("seed", range(20))
def test_every_plan_has_every_blow_and_only_one_worker_sleeps(seed: int) -> None:
    plan = make_plan(seed, SIZE)
    kinds = [blow.kind for blow in plan.blows]
    assert set(kinds) == set(BLOWS)
    assert kinds.count("freeze_worker") == 1
    assert len(kinds) == SIZE.blows
    assert all(blow.at_s < SIZE.storm_s for blow in plan.blows)
    assert FROZEN_S > 60, "a claim lasts a minute"


def test_without_faults_and_blows_there_are_none() -> None:
    plan = make_plan(1, Size(blows=0, faults=0))
    assert (plan.blows, [list(rules) for rules in plan.faults]) == ((), [[], [], []])


def effect(
    seq: int, kind: str, number: str, by: str = "api:x", supplier: str | None = None
) -> dict[str, Any]:
    """An effect in Visma's log, of a supplier where none is named."""
    if not supplier:
        entity = {"entity": "supplier", "type": "Supplier", "body": {}}
    else:
        entity = {
            "entity": "supplierInvoice",
            "type": "Invoice",
            "body": {"supplier": {"number": supplier}},
        }
    return {"seq": seq, "kind": kind, "number": number, "by": by, **entity}


def test_the_judge_sees_documents_before_suppliers_and_writes_after_a_release() -> None:
    good = [
        effect(1, "created", "50000"),
        effect(2, "created", "000001", supplier="50000"),
        effect(3, "updated", "000001", supplier="50000"),
        effect(4, "released", "000001", "person", supplier="50000"),
        effect(5, "reversed", "000001", "person", supplier="50000"),
    ]
    assert list(check_order(good)) == []
    late = [*good, effect(6, "updated", "000001", supplier="50000")]
    assert ["after its release" in text for text in check_order(late)] == [True]
    early = good[1:3]
    assert ["before its supplier" in text for text in check_order(early)] == [True]


def test_the_judge_sees_what_the_settings_ask_for() -> None:
    bill = {"id": "00n1", "approvalStatus": "APPROVED", "recordStatus": "ACTIVE", "amount": 1}
    vendors = [{"id": "0091", "archived": True}, {"id": "0092", "archived": False}]
    suppliers = [
        {"accountReference": "0091", "status": "OnHold"},
        {"accountReference": "0092", "status": "Active"},
    ]
    ledger = Ledger(vendors, [bill], suppliers, invoices=[], log=[], chart=CHART)
    asked = {name: value for sync in SETTINGS for name, value in sync.items()}
    assert list(check_settings(ledger, asked, {"00n1"})) == []
    assert list(check_settings(ledger, asked, set())) == ["bill 00n1 is not released"]
    told = list(check_settings(ledger, {}, set()))
    assert told == ["vendor 0091: its supplier is OnHold instead of Active"]


@pytest.mark.parametrize(
    ("there", "released", "told"),
    [
        (["a", "b"], False, ""),
        (["a"], False, "lacks"),
        (["a"], True, ""),
        (["a", "b", "b"], False, "or twice"),
        (["a", "b", "c"], True, "knows nothing"),
    ],
)
def test_the_judge_counts_documents(there: list[str], released: bool, told: str) -> None:
    invoice = {"documentType": "Invoice", "referenceNumber": "1", "note": "BILL:00n1"}
    files, filed = {"Invoice/1": Counter(there)}, {"00n1": ["a", "b"]}
    found = list(check_documents([invoice], files, filed, {"00n1"} if released else set()))
    assert [told in text for text in found] == ([True] if told else [])
