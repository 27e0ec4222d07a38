"""Who works on a bill's documents, and what is known of them, on a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clock import utc_now
from shared.errors import ClaimLost
from shared.queues import COPY_ATTACHMENTS, UPSERT_SUPPLIER_INVOICE
from shared.store import attachments, dead_letters, records, tenants, visma_index
from shared.store.attachments import Claim, Document
from shared.store.dead_letters import DeadLetter
from shared.store.pool import Conn
from shared.store.visma_index import Entry
from tests.integration.conftest import Connect
from tests.support import rows
from tests.support.rows import TENANT, add_synced, add_tenant, at_once, change

pytestmark = pytest.mark.integration

BILL = "00n01"
DOCUMENT = Document("00h01", "a.pdf", b"\x01" * 32)
STATUSES = ["Balanced", "Hold"]


def claimed(conn: Conn, bill: str = BILL) -> Claim:
    found = attachments.claim(conn, TENANT, bill)
    assert found is not None
    return found


def take(conn: Conn, most: int = 10, most_of_tenant: int = 10) -> list[str]:
    taken = attachments.take_due(conn, most=most, most_of_tenant=most_of_tenant, again_s=60)
    return [bill for _, bill in taken]


def age(conn: Conn, seconds: float) -> None:
    columns = ("next_attempt_at", "claim_expires_at", "dispatched_at")
    moved = ", ".join(f"{name} = {name} - interval '{seconds} s'" for name in columns)
    conn.execute(f"UPDATE attachments SET {moved}".encode())  # noqa: S608 - names above


def add_letter(conn: Conn, task: str = COPY_ATTACHMENTS) -> int:
    letter = DeadLetter(task, [TENANT, BILL], "Refused", "no", tenant=TENANT, kind="bill", bill_id=BILL)
    return dead_letters.add_letter(conn, letter)


@pytest.fixture
def due(conn: Conn) -> Conn:
    """A synced bill whose documents are wanted."""
    add_synced(conn, BILL, kind="bill")
    attachments.want(conn, TENANT, BILL)
    return conn


def test_a_claim_has_the_invoice_and_keeps_others_out(due: Conn) -> None:
    claim = claimed(due)
    assert (claim.visma_type, claim.visma_number) == ("Invoice", f"F{BILL}")
    assert (claim.attempts, claim.looked_at) == (1, None)
    assert attachments.claim(due, TENANT, BILL) is None
    attachments.finish(due, claim, detail="1 copied")
    assert attachments.claim(due, TENANT, BILL) is None
    attachments.want(due, TENANT, BILL)
    assert claimed(due).looked_at is not None


def test_many_at_once_claim_and_take_once(due: Conn, connect_again: Connect) -> None:
    conns = [connect_again() for _ in range(4)]
    taken = at_once([lambda conn=conn: take(conn) for conn in conns])  # type: ignore[misc]
    assert sorted(taken) == [[], [], [], [BILL]]
    claims = at_once([lambda conn=conn: attachments.claim(conn, TENANT, BILL) for conn in conns])  # type: ignore[misc]
    assert [claim is None for claim in claims].count(False) == 1


def test_what_is_wanted_during_the_work_is_not_lost(due: Conn) -> None:
    claim = claimed(due)
    attachments.want(due, TENANT, BILL)
    attachments.finish(due, claim, detail=None)
    assert not attachments.all_copied(due, TENANT, BILL)
    assert take(due) == [BILL]


@pytest.mark.parametrize("lost", ["taken over", "run out"])
def test_a_lost_claim_writes_nothing(due: Conn, lost: str) -> None:
    claim = claimed(due)
    age(due, 3600)
    if lost == "taken over":
        claimed(due)
    with pytest.raises(ClaimLost):
        attachments.extend(due, claim)
    with pytest.raises(ClaimLost):
        attachments.announce(due, claim, DOCUMENT, extra_s=1)
    assert attachments.list_documents(due, claim) == {}
    if lost == "taken over":
        with pytest.raises(ClaimLost):
            attachments.finish(due, claim, detail=None)
        with pytest.raises(ClaimLost):
            attachments.bury(due, claim, detail="no")


def test_a_claim_holds_as_long_as_its_file_takes(due: Conn) -> None:
    claim = claimed(due)
    attachments.extend(due, claim, extra_s=300)
    age(due, attachments.CLAIM_S + 200)
    attachments.extend(due, claim)


def test_parked_rows_wait_and_uncounted_tries_leave_no_trace(due: Conn) -> None:
    for counts, expected in ((True, 2), (False, 2), (True, 3)):
        attachments.park(due, claimed(due), delay_s=100, detail="later", counts=counts)
        assert take(due) == []
        assert attachments.claim(due, TENANT, BILL) is None
        age(due, 100)
        claim = claimed(due)
        assert claim.attempts == expected
        attachments.park(due, claim, delay_s=0, detail="later", counts=False)


def test_a_message_is_sent_again_only_after_a_while_and_never_too_many(due: Conn) -> None:
    for number in range(2, 6):
        add_synced(due, f"00n0{number}", kind="bill")
        attachments.want(due, TENANT, f"00n0{number}")
    assert len(take(due, most=3)) == 3
    assert take(due, most=3) == []
    assert len(take(due, most=5)) == 2
    age(due, 61)
    assert len(take(due, most=5)) == 5


def test_tenants_take_turns_and_paused_ones_rest(due: Conn) -> None:
    for number in range(3):
        add_synced(due, f"00n1{number}", kind="bill")
        attachments.want(due, TENANT, f"00n1{number}")
    for tenant in ("other", "paused"):
        add_tenant(due, tenant)
        attachments.want(due, tenant, BILL)
    tenants.set_paused(due, "paused", paused=True)
    taken = attachments.take_due(due, most=2, most_of_tenant=10, again_s=60)
    assert {tenant for tenant, _ in taken} == {TENANT, "other"}


def test_one_tenant_never_takes_all_places(due: Conn) -> None:
    for number in range(5):
        add_synced(due, f"00n2{number}", kind="bill")
        attachments.want(due, TENANT, f"00n2{number}")
    assert len(take(due, most_of_tenant=2)) == 2
    assert take(due, most_of_tenant=2) == []
    add_tenant(due, "other")
    attachments.want(due, "other", "00n99")
    assert take(due, most_of_tenant=2) == ["00n99"]


def test_a_resting_row_holds_no_place_and_costs_no_try(due: Conn) -> None:
    assert take(due) == [BILL]
    attachments.rest(due, TENANT, BILL, delay_s=30)
    assert take(due) == []
    age(due, 30)
    assert take(due) == [BILL]
    claim = claimed(due)
    assert claim.attempts == 1
    attachments.rest(due, TENANT, BILL, delay_s=30)
    attachments.park(due, claim, delay_s=0, detail="later", counts=False)
    assert take(due) == [BILL], "a row in somebody's hands is left alone"


def test_an_announced_document_is_known_until_it_is_attached_or_retracted(due: Conn) -> None:
    claim = claimed(due)
    sent_at = utc_now()
    sent = Document(DOCUMENT.document_id, "a.pdf", DOCUMENT.sha256, sent_at)
    attachments.announce(due, claim, sent, extra_s=1)
    assert attachments.list_documents(due, claim) == {"00h01": sent}
    attachments.retract(due, claim, "00h01")
    assert attachments.list_documents(due, claim)["00h01"].sent_at is None
    attachments.announce(due, claim, sent, extra_s=1)
    done = Document("00h01", "a.pdf", DOCUMENT.sha256, None, "guid")
    attachments.put_attached(due, claim, done)
    attachments.retract(due, claim, "00h01")
    known = attachments.list_documents(due, claim)["00h01"]
    assert (known.sent_at, known.attachment_id) == (sent_at, "guid")
    assert known.attached_at is not None


def test_another_invoice_of_the_bill_has_no_documents_yet(due: Conn) -> None:
    claim = claimed(due)
    attachments.put_attached(due, claim, DOCUMENT)
    attachments.finish(due, claim, detail=None)
    change(due, BILL, "visma_number = 'F2'")
    attachments.want(due, TENANT, BILL)
    assert attachments.list_documents(due, claimed(due)) == {}


def test_all_copied_from_never_asked_to_discarded(conn: Conn) -> None:
    def is_copied() -> bool:
        return attachments.all_copied(conn, TENANT, BILL)

    add_synced(conn, BILL, kind="bill")
    assert is_copied(), "nobody wants any"
    attachments.want(conn, TENANT, BILL)
    assert not is_copied()
    attachments.park(conn, claimed(conn), delay_s=0, detail="later", counts=True)
    assert not is_copied()
    assert attachments.bury(conn, claimed(conn), detail="no") == 2
    letter = add_letter(conn)
    assert not is_copied(), "a person has to look first"
    conn.execute("UPDATE dead_letters SET state = 'discarded' WHERE id = %s", (letter,))
    assert is_copied()


def test_a_dead_row_waits_for_its_letter_only(due: Conn) -> None:
    attachments.bury(due, claimed(due), detail="no")
    letter = add_letter(due)
    attachments.want(due, TENANT, BILL)
    assert take(due) == []
    due.execute("UPDATE dead_letters SET state = 'closed' WHERE id = %s", (letter,))
    attachments.want(due, TENANT, BILL)
    assert take(due) == [BILL]


def test_a_replay_passes_the_letter(due: Conn) -> None:
    attachments.bury(due, claimed(due), detail="no")
    add_letter(due)
    attachments.want(due, TENANT, BILL, forced=True)
    assert claimed(due).attempts == 1


def test_letters_of_a_record_and_of_its_attachments_are_closed_apart(due: Conn) -> None:
    add_letter(due), add_letter(due, UPSERT_SUPPLIER_INVOICE)

    def open_tasks() -> list[Any]:
        return [row["task"] for row in dead_letters.list_letters(due, TENANT)]

    dead_letters.close_letters(due, TENANT, "bill", BILL, by="w")
    assert open_tasks() == [COPY_ATTACHMENTS]
    dead_letters.close_letters(due, TENANT, "bill", BILL, by="w", attachments=True)
    assert open_tasks() == []


@pytest.mark.parametrize(("status", "again"), [("Balanced", True), ("Hold", True), ("Open", False)])
def test_the_sweep_wants_unreleased_ones_once(conn: Conn, status: str, again: bool) -> None:
    number = f"F{BILL}"
    add_synced(conn, BILL, kind="bill")
    entry = Entry(TENANT, "supplier_invoice", "Invoice", number, status, "etag")
    visma_index.put_entries(conn, [entry])
    for _ in range(2):
        attachments.want_unreleased(conn, TENANT, STATUSES)
    assert take(conn) == ([BILL] if again else [])
    if again:
        attachments.finish(conn, claimed(conn), detail=None)
        assert attachments.all_copied(conn, TENANT, BILL), "asked for twice, looked at once"


def test_the_sweep_leaves_dead_ones_to_people(due: Conn) -> None:
    visma_index.put_entries(due, [Entry(TENANT, "supplier_invoice", "Invoice", f"F{BILL}", "Hold", "etag")])
    attachments.bury(due, claimed(due), detail="no")
    assert attachments.want_unreleased(due, TENANT, STATUSES) == 0


def test_the_end_of_the_look_wakes_the_record_that_waits_for_it(due: Conn) -> None:
    waiting = f"reason = '{attachments.ATTACHMENTS_FIRST}', state = 'pending', wanted = wanted + 1"
    change(due, BILL, f"{waiting}, next_attempt_at = now() + interval '1 hour'")
    assert records.claim(due, rows.due(BILL, "bill")) is None
    attachments.finish(due, claimed(due), detail=None)
    assert records.claim(due, rows.due(BILL, "bill")) is not None
