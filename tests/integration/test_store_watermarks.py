"""How far polls have come, and that each is run by one at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from shared.errors import ClaimLost
from shared.store import watermarks
from shared.store.pool import Conn
from shared.store.watermarks import Poll
from tests.integration.conftest import Connect
from tests.support.rows import TENANT, add_tenant, at_once

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)


def take(conn: Conn, kind: str = "vendor") -> Poll:
    """Take the polls that are due and give the one of this kind."""
    return next(poll for poll in watermarks.take_due_polls(conn) if poll.kind == kind)


def complete(conn: Conn, poll: Poll, position: str | None, interval_s: float = 0) -> None:
    watermarks.complete(conn, poll, position=position, started_at=NOW, interval_s=interval_s)


def test_a_new_tenant_is_polled_at_once_and_each_poll_by_one_tick(conn: Conn, connect_again: Connect) -> None:
    calls = [partial(watermarks.take_due_polls, connect_again()) for _ in range(4)]
    taken = [(poll.source, poll.kind) for part in at_once(calls) for poll in part]
    assert len(taken) == len(set(taken)) == len(watermarks.list_watermarks(conn, TENANT))
    assert {("bill", "bill"), ("bill", "vendor"), ("visma", "supplier")} <= set(taken)


def test_the_position_moves_forward_only(conn: Conn) -> None:
    for told, kept in (("2026-03-02", "2026-03-02"), ("2026-03-01", "2026-03-02"), (None, "2026-03-02")):
        poll = take(conn)
        complete(conn, poll, told)
        assert watermarks.find_position(conn, poll) == kept


def test_a_walk_that_failed_keeps_its_position_and_is_tried_again(conn: Conn) -> None:
    complete(conn, take(conn), "2026-03-01")
    poll = take(conn)
    watermarks.fail(conn, poll, error="BILL is away", delay_s=0)
    assert watermarks.find_position(conn, poll) == "2026-03-01"
    assert _row(conn, poll)["last_error"] == "BILL is away"
    again = take(conn)
    assert again.token != poll.token
    complete(conn, again, "2026-03-03")
    assert _row(conn, again)["last_error"] is None


def test_a_poll_comes_back_after_its_interval(conn: Conn) -> None:
    complete(conn, take(conn), "2026-03-01", interval_s=300)
    assert watermarks.take_due_polls(conn) == []
    watermarks.poll_now(conn, TENANT)
    assert take(conn).kind == "vendor"


def test_whose_poll_was_taken_over_ends_nothing(conn: Conn) -> None:
    old = take(conn)
    conn.execute("UPDATE watermarks SET claim_expires_at = now() - interval '1 second'")
    with pytest.raises(ClaimLost):
        watermarks.hold(conn, old)
    new = take(conn)
    with pytest.raises(ClaimLost):
        complete(conn, old, "2026-03-09")
    watermarks.fail(conn, old, error="late", delay_s=0)
    watermarks.hold(conn, new)
    complete(conn, new, "2026-03-01")
    assert watermarks.find_position(conn, new) == "2026-03-01"


def test_a_tenant_that_rests_is_not_polled(conn: Conn) -> None:
    conn.execute("UPDATE tenants SET paused = true")
    assert watermarks.take_due_polls(conn) == []


def test_visma_is_known_once_both_lists_were_walked_whole(conn: Conn) -> None:
    suppliers, invoices = (poll for poll in watermarks.take_due_polls(conn) if poll.source == "visma")
    assert watermarks.measure_visma_age_s(conn, TENANT) is None
    watermarks.complete(conn, suppliers, position=None, started_at=NOW, interval_s=300)
    assert watermarks.measure_visma_age_s(conn, TENANT) is None
    began = NOW - timedelta(minutes=10)
    watermarks.complete(conn, invoices, position=None, started_at=began, interval_s=300)
    age_s = watermarks.measure_visma_age_s(conn, TENANT)
    assert age_s is not None
    assert age_s >= 600, "the older walk counts, from its start"


def _row(conn: Conn, poll: Poll) -> dict[str, object]:
    return next(
        row
        for row in watermarks.list_watermarks(conn, poll.tenant)
        if (row["source"], row["kind"]) == (poll.source, poll.kind)
    )


def test_only_a_few_polls_of_one_tenant_run_at_a_time(conn: Conn) -> None:
    def take_some() -> list[tuple[str, str]]:
        taken = watermarks.take_due_polls(conn, most=2, most_long=1)
        running.extend(taken)
        return sorted((poll.source, poll.kind) for poll in taken)

    running: list[Poll] = []
    watermarks.begin_backfill(conn, TENANT, None)
    first = take_some()
    assert first[1:] == [("visma", "supplier"), ("visma", "supplier_invoice")], "every create waits for these"
    assert first[0][0] in {"sweep", "backfill"}
    assert take_some() == []
    seen = list(first)
    while running:
        poll = running.pop(0)
        watermarks.complete(conn, poll, position=None, started_at=NOW, interval_s=600)
        assert len(running) <= 2
        seen += take_some()
    assert sorted(seen) == sorted((row["source"], row["kind"]) for row in watermarks.list_watermarks(conn))


def test_another_tenants_polls_do_not_wait(conn: Conn) -> None:
    add_tenant(conn, "nordwind")
    taken = watermarks.take_due_polls(conn, most=1, most_long=0)
    assert sorted(poll.tenant for poll in taken) == sorted([TENANT, "nordwind"])
