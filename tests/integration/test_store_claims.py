"""Who works on a record: one at a time, and never two without knowing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import psycopg
import pytest

from shared.errors import ClaimLost
from shared.store import records
from shared.store.pool import Conn
from shared.store.records import Finish, Heard, Parking, Record, Urgency
from tests.integration.conftest import Connect
from tests.support.rows import (
    T1,
    T2,
    TENANT,
    add_synced,
    add_tenant,
    at_once,
    change,
    claim,
    due,
    expire_claim,
    find,
    page_row,
)

pytestmark = pytest.mark.integration


def add_due(conn: Conn, *bill_ids: str, urgency: Urgency = Urgency.POLL, tenant: str = TENANT) -> None:
    rows = [page_row(bill_id, T1, urgency=urgency) for bill_id in bill_ids]
    records.make_due(conn, tenant, rows)


def take(conn: Conn, count: int = 100, again_s: float = 60) -> list[tuple[str, str]]:
    found = records.find_tenants_with_work(conn)
    due = [one for name in found for one in records.take_due(conn, name, most=count, again_s=again_s)]
    return [(one.tenant, one.bill_id) for one in due]


def test_of_many_who_claim_at_once_one_wins(conn: Conn, connect_again: Connect) -> None:
    add_due(conn, "v")
    won = at_once([partial(records.claim, connect_again(), due("v")) for _ in range(6)])
    assert len([record for record in won if record is not None]) == 1
    assert find(conn, "v").attempts == 1


def test_a_claim_is_for_what_is_due_and_free(conn: Conn) -> None:
    add_synced(conn, "done")
    add_due(conn, "parked", "dead", "mine")
    records.park(conn, claim(conn, "parked"), Parking(60, "later"))
    records.bury(conn, claim(conn, "dead"), "no", nothing_ran=True)
    claim(conn, "mine")
    assert [records.claim(conn, due(name)) for name in ("done", "parked", "dead", "mine", "none")] == [
        None
    ] * 5


WRITES: dict[str, Callable[[Conn, Record], object]] = {
    "extend": lambda conn, record: records.extend(conn, record, {"sent": 1}),
    "keep content": lambda conn, record: records.keep_content(
        conn, record, b"{}", T2, label="B", vendor_id=None
    ),
    "finish": lambda conn, record: records.finish(conn, record, Finish("synced", visma_number="1")),
    "unlink": records.unlink,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_whose_claim_was_taken_over_writes_no_more(
    conn: Conn, write: Callable[[Conn, Record], object]
) -> None:
    add_due(conn, "v")
    old = claim(conn, "v")
    expire_claim(conn, "v")
    new = claim(conn, "v")
    before = find(conn, "v")
    with pytest.raises(ClaimLost):
        write(conn, old)
    assert find(conn, "v") == before
    assert new.claim_token == before.claim_token != old.claim_token


def test_nor_does_it_park_or_bury(conn: Conn) -> None:
    add_due(conn, "v")
    old = claim(conn, "v")
    expire_claim(conn, "v")
    claim(conn, "v")
    before = find(conn, "v")
    records.park(conn, old, Parking(60, "later"))
    assert records.bury(conn, old, "no", nothing_ran=True) is None
    assert find(conn, "v") == before


def test_an_expired_claim_cannot_be_prolonged_for_a_write(conn: Conn) -> None:
    """Between its end and the next claim nobody may write to Visma."""
    add_due(conn, "v")
    record = claim(conn, "v")
    records.extend(conn, record, None)
    expire_claim(conn, "v")
    with pytest.raises(ClaimLost):
        records.extend(conn, record, {"sent": 1})
    assert find(conn, "v").intention is None


def test_an_uncounted_try_leaves_no_attempt(conn: Conn) -> None:
    add_due(conn, "v")
    for counts, attempts in ((True, 1), (False, 1), (True, 2), (False, 2)):
        records.park(conn, claim(conn, "v"), Parking(0, "again", counts=counts))
        assert find(conn, "v").attempts == attempts


@pytest.mark.parametrize(("nothing_ran", "kept"), [(True, False), (False, True)])
def test_an_intention_stands_until_it_is_known_that_nothing_ran(
    conn: Conn, nothing_ran: bool, kept: bool
) -> None:
    add_due(conn, "v", "w")
    for name in ("v", "w"):
        record = claim(conn, name)
        records.extend(conn, record, {"sent_at": "now"})
        if name == "v":
            records.park(conn, record, Parking(0, "again", nothing_ran=nothing_ran))
        else:
            records.bury(conn, record, "no", nothing_ran=nothing_ran)
        assert (find(conn, name).intention is not None) == kept


def test_two_records_never_have_one_number_in_visma(conn: Conn) -> None:
    add_due(conn, "v", "w")
    finish = Finish("synced", visma_type="Supplier", visma_number="50001")
    records.finish(conn, claim(conn, "v"), finish)
    with pytest.raises(psycopg.errors.UniqueViolation):
        records.finish(conn, claim(conn, "w"), finish)
    records.make_due(conn, TENANT, [page_row("b", T1, kind="bill")])
    assert not records.finish(conn, claim(conn, "b", "bill"), finish), "numbers are unique per kind only"


# --- what is dispatched ----------------------------------------------------------------------------


def test_what_is_due_is_given_out_once_and_again_when_its_message_is_lost(conn: Conn) -> None:
    add_due(conn, "v")
    assert take(conn) == [(TENANT, "v")]
    assert take(conn) == []
    change(conn, "v", "dispatched_at = now() - interval '61 seconds'")
    assert take(conn) == [(TENANT, "v")]


def test_two_who_give_out_at_once_give_out_each_record_once(conn: Conn, connect_again: Connect) -> None:
    names = [f"v{number}" for number in range(30)]
    add_due(conn, *names)
    taken = at_once([partial(take, connect_again()) for _ in range(3)])
    assert sorted(name for part in taken for _, name in part) == sorted(names)


def test_webhooks_go_first_and_the_newest_of_them_then_the_oldest_of_the_rest(conn: Conn) -> None:
    for name, urgency in (("p1", Urgency.POLL), ("b1", Urgency.BACKFILL), ("p2", Urgency.POLL)):
        add_due(conn, name, urgency=urgency)
    for name in ("w1", "w2"):
        add_due(conn, name, urgency=Urgency.WEBHOOK)
    assert [take(conn, count=number) for number in range(1, 6)] == [
        [(TENANT, name)] for name in ("w2", "w1", "p1", "p2", "b1")
    ]


def test_a_tenant_has_only_so_many_on_their_way_and_parked_ones_do_not_count(conn: Conn) -> None:
    add_tenant(conn, "small")
    add_due(conn, "a1", "a2", "a3", "a4", urgency=Urgency.BACKFILL)
    add_due(conn, "s1", urgency=Urgency.BACKFILL, tenant="small")
    assert sorted(take(conn, count=2)) == [(TENANT, "a1"), (TENANT, "a2"), ("small", "s1")]
    assert take(conn, count=2) == []
    change(conn, "a1", "next_attempt_at = now() + interval '1 minute'")
    assert take(conn, count=2) == [(TENANT, "a3")]


def test_vendors_go_before_bills_of_the_same_urgency(conn: Conn) -> None:
    records.make_due(conn, TENANT, [page_row("b", T1, kind="bill")])
    add_due(conn, "v")
    assert [name for _, name in take(conn)] == ["v", "b"]


@pytest.mark.parametrize(
    "stop", [b"UPDATE tenants SET paused = true", b"UPDATE tenants SET suspended = 'refused'"]
)
def test_nothing_is_given_out_of_a_tenant_that_rests(conn: Conn, stop: bytes) -> None:
    add_due(conn, "v")
    conn.execute(stop)
    assert take(conn) == []


def test_what_is_claimed_parked_or_dead_is_not_given_out(conn: Conn) -> None:
    add_due(conn, "claimed", "parked", "dead", "expired")
    claim(conn, "claimed")
    records.park(conn, claim(conn, "parked"), Parking(60, "later"))
    records.bury(conn, claim(conn, "dead"), "no", nothing_ran=True)
    claim(conn, "expired")
    expire_claim(conn, "expired")
    assert take(conn) == [(TENANT, "expired")]


def test_what_celery_brings_back_is_not_given_out_meanwhile(conn: Conn) -> None:
    add_due(conn, "v")
    records.park(conn, claim(conn, "v"), Parking(0, "soon", dispatched=True))
    assert take(conn) == []


# --- what wakes what -------------------------------------------------------------------------------


def test_the_vendor_frees_the_bills_that_waited_for_it(conn: Conn) -> None:
    for bill_id, vendor_id in (("b1", "v"), ("b2", "other"), ("b3", "v")):
        records.make_due(conn, TENANT, [page_row(bill_id, T1, kind="bill", vendor_id=vendor_id)])
    for bill_id in ("b1", "b2"):
        records.park(conn, claim(conn, bill_id, "bill"), Parking(60, "first the vendor", "vendor_first"))
    take(conn)
    assert [one.bill_id for one in records.free_bills(conn, TENANT, "v", synced=True)] == ["b1"]
    assert records.claim(conn, due("b1", "bill")) is not None
    assert records.claim(conn, due("b2", "bill")) is None


@pytest.mark.parametrize(
    ("reason", "synced", "freed"),
    [
        ("vendor_held", True, True),
        ("vendor_held", False, False),
        ("currency_mismatch", True, True),
        ("period_closed", True, False),
    ],
)
def test_bills_held_with_their_vendor_go_on_once_it_is_synced(
    conn: Conn, reason: str, synced: bool, freed: bool
) -> None:
    records.make_due(conn, TENANT, [page_row("b", T1, kind="bill", vendor_id="v")])
    records.finish(conn, claim(conn, "b", "bill"), Finish("held", reason, "told"))
    assert bool(records.free_bills(conn, TENANT, "v", synced=synced)) == freed
    found = find(conn, "b", "bill")
    assert (found.state, found.wanted > found.done) == (("pending", True) if freed else ("held", False))


def test_only_what_waits_for_the_reason_is_woken(conn: Conn) -> None:
    add_due(conn, "walk", "vendor", "claimed")
    records.park(conn, claim(conn, "walk"), Parking(60, "first the walk", "walk_first"))
    records.park(conn, claim(conn, "vendor"), Parking(60, "first the vendor", "vendor_first"))
    claim(conn, "claimed")
    assert [one.bill_id for one in records.wake(conn, TENANT, "walk_first")] == ["walk"]
    assert records.wake(conn, "nobody", "walk_first") == []


def test_held_records_are_judged_anew_after_a_while(conn: Conn) -> None:
    add_due(conn, "old", "new", "busy")
    for name in ("old", "new", "busy"):
        records.finish(conn, claim(conn, name), Finish("held", "no_supplier", "told"))
    change(conn, "old", "judged_at = now() - interval '301 seconds'")
    records.make_due(conn, TENANT, [Heard("vendor", "busy", T2)])
    assert [one.bill_id for one in records.rejudge_held(conn, TENANT, older_s=300)] == ["old"]
    assert records.rejudge_held(conn, TENANT, older_s=300) == []
    assert find(conn, "old").state == "pending"
