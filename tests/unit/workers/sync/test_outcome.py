from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.errors import NeedsPerson
from shared.store.visma_index import Entry
from tests.unit.workers.sync.rows import record
from workers.sync.outcome import Action, Outcome, held, resolved, settled, written

pytestmark = pytest.mark.unit

VERSION = datetime(2026, 3, 1, tzinfo=UTC)
ENTRY = Entry("acme", "supplier_invoice", "Invoice", "000357", "Balanced", "e2")

STATES: dict[Action, str] = {
    "created": "synced",
    "updated": "synced",
    "unchanged": "synced",
    "linked": "synced",
    "adopted": "synced",
    "deleted": "ignored",
    "ignored": "ignored",
    "waiting": "waiting",
    "held": "held",
}


@pytest.mark.parametrize("action", STATES)
def test_the_state_that_follows(action: Action) -> None:
    outcome = settled(record(), action, version=VERSION)
    assert outcome.finish.state == STATES[action]
    assert outcome.wrote == (action in {"created", "updated", "linked", "adopted", "deleted"})


def test_what_is_not_written_leaves_what_visma_has() -> None:
    row = record(visma_type="Invoice", visma_number="000357", visma_etag="e1", body={"origin": "created"})
    finish = settled(row, "waiting", version=VERSION, detail="not approved").finish
    assert (finish.visma_type, finish.visma_number, finish.visma_etag, finish.body, finish.version) == (
        "Invoice",
        "000357",
        "e1",
        {"origin": "created"},
        VERSION,
    )


def test_a_held_version_is_not_served() -> None:
    finish = held(record(), NeedsPerson("no_supplier", "create it")).finish
    assert (finish.reason, finish.detail, finish.version) == ("no_supplier", "create it", None)


def test_what_is_written_keeps_the_number_or_has_a_first_one() -> None:
    row = record(visma_type="Invoice", visma_number="000357")
    kept = written(row, "updated", version=VERSION, body={"a": 1}, etag="e2").finish
    assert (kept.visma_type, kept.visma_number, kept.visma_etag, kept.body) == (
        "Invoice",
        "000357",
        "e2",
        {"a": 1},
    )
    first = written(record(), "created", version=VERSION, body={}, etag=None, number=("DebitAdj", "1")).finish
    assert (first.visma_type, first.visma_number) == ("DebitAdj", "1")


@pytest.mark.parametrize(("action", "told"), [("unchanged", "created"), ("updated", "updated")])
def test_what_a_look_up_found_is_told_as_created(action: Action, told: Action) -> None:
    outcome = resolved(settled(record(), action, version=VERSION), ENTRY)
    assert (outcome.action, outcome.entries) == (told, (ENTRY,))
    assert any("look-up" in note for note in outcome.notes)


def test_newer_entries_of_the_run_go_before_the_found_one() -> None:
    newer = Entry("acme", "supplier_invoice", "Invoice", "000357", "Balanced", "e3")
    outcome = Outcome("updated", settled(record(), "updated", version=VERSION).finish, entries=(newer,))
    assert resolved(outcome, ENTRY).entries == (newer,)
