"""A tenant that crosses its limits is told of once, until it has been well for a while."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared import sentry
from shared.circuit import OPENS_AT
from shared.store import alerts
from shared.store.records import Heard
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from workers.sync.alerts import CALM_S, CHECK_S, check_alerts

pytestmark = pytest.mark.integration


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench(alerts={"lag_s": 100, "dead_letters": 1, "held": 1})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The groups of the messages that Sentry got."""
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(sentry, "send_message", lambda text, *, group, tags: found.append(group))
    return found


def check(bench: Bench, after_s: float = CHECK_S) -> list[str]:
    """What a tick tells some time later: the actions of its log lines."""
    bench.pass_time(after_s)
    with capture_logs() as lines:
        check_alerts(bench.context.pool, bench.context.circuits)
    return [str(line["action"]) for line in lines if str(line["action"]).startswith("alert.")]


def test_a_held_bill_is_told_once_and_healing_takes_a_while(
    bench: Bench, told: list[tuple[str, ...]]
) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor, "")
    bench.sync()
    assert bench.state("bill", bill) == ("held", "missing_reference")
    assert check(bench) == ["alert.held"]
    assert check(bench) == []
    bench.change_bill(bill, invoice={"invoiceNumber": "F-1"})
    bench.sync()
    assert check(bench) == [], "perhaps it is only judged anew"
    assert standing(bench) == ["held"]
    assert check(bench, CALM_S) == ["alert.healed"]
    assert standing(bench) == []

    bench.change_bill(bill, invoice={"invoiceNumber": ""})
    bench.sync()
    assert check(bench) == ["alert.held"]
    assert told == [("alert", bench.tenant, "held")] * 2


def test_an_alert_that_comes_back_soon_is_still_the_same(bench: Bench, told: list[tuple[str, ...]]) -> None:
    for answered in (False, True, False):
        for _ in range(OPENS_AT):
            bench.context.circuits.note(bench.tenant, "visma", answered=answered)
        check(bench)
    assert told == [("alert", bench.tenant, "circuit_visma")]


def test_work_that_waits_is_told_from_when_it_came(bench: Bench, told: list[tuple[str, ...]]) -> None:
    with bench.conn() as conn:
        conn.execute("UPDATE tenants SET suspended = 'bill: refused'")
    bench.hear(Heard("vendor", "009unread"))
    assert check(bench, 60) == []
    bench.hear(Heard("vendor", "009unread"))  # once more does not begin the wait anew
    assert check(bench, 60) == ["alert.lag"]
    assert told == [("alert", bench.tenant, "lag")]


def test_a_held_bill_judged_anew_has_not_waited_since_it_was_held(bench: Bench) -> None:
    bill = bench.add_bill(bench.add_vendor(), "")
    bench.sync()
    assert check(bench, 5000) == ["alert.held"]
    with bench.conn() as conn:
        conn.execute("UPDATE records SET wanted = wanted + 1, state = 'pending' WHERE bill_id = %s", (bill,))
        assert alerts.measure(conn, bench.tenant).lag_s < 60


def test_of_many_ticks_at_once_one_tells(bench: Bench, told: list[tuple[str, ...]]) -> None:
    bench.add_bill(bench.add_vendor(), "")
    bench.sync()
    bench.pass_time(CHECK_S)
    with ThreadPoolExecutor(4) as pool:
        raised: list[Any] = list(
            pool.map(lambda _: check_alerts(bench.context.pool, bench.context.circuits), range(4))
        )
    assert (sum(raised), len(told)) == (1, 1)


def standing(bench: Bench) -> list[str]:
    with bench.conn() as conn:
        return [str(row["what"]) for row in alerts.list_alerts(conn, bench.tenant)]
