"""Hours' budgets on a real Redis, and that the simulated systems never see more than they allow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from shared.budget import Budget, Usage
from shared.clock import FakeClock
from shared.doubts import LASTS_S, Doubts
from shared.errors import CredentialsRefused, NoPlace
from shared.limits import Places
from shared.tenants import LimitsConfig
from tests.integration.upstreams import BillSide, Upstreams, VismaSide, found_bill_side

pytestmark = pytest.mark.integration

LOGIN = "/v3/login"
SESSION = "/v3/login/session"


def test_a_budget_ends_and_begins_with_the_hour(redis_client: redis.Redis) -> None:
    clock = FakeClock(datetime(2026, 11, 22, 10, 59, 30, tzinfo=UTC))
    budget = Budget(redis_client, clock=clock)
    assert [budget.spend("key", 3) for _ in range(2)] == [2, 1]
    assert budget.spend("other", 3, cost=3) == 0
    with pytest.raises(NoPlace) as caught:
        budget.spend("key", 3, cost=2)
    assert caught.value.retry_after_s == 30
    assert budget.spend("key", 3) == 0, "what did not suffice was not spent"
    clock.advance(30)
    assert budget.spend("key", 3) == 2


def test_a_told_block_holds_everyone_back(redis_client: redis.Redis) -> None:
    budget, other_worker = Budget(redis_client), Budget(redis_client)
    budget.block("key", 500)
    assert budget.read("key", 10).left == 0
    with pytest.raises(NoPlace) as caught:
        other_worker.spend("key", 10)
    assert caught.value.retry_after_s is not None
    assert 490 < caught.value.retry_after_s <= 500


def test_what_the_other_side_says_remains_holds_until_its_window_ends(redis_client: redis.Redis) -> None:
    budget, other_worker = Budget(redis_client), Budget(redis_client)
    budget.note_remaining("key", remaining=None, reset_s=None)
    assert other_worker.spend("key", 10) == 9
    budget.note_remaining("key", remaining=3, reset_s=500)
    assert [other_worker.spend("key", 10) for _ in range(2)] == [2, 1]
    budget.note_remaining("key", remaining=2, reset_s=500)  # an answer sent before the others' calls arrived
    assert budget.read("key", 10) == Usage(limit=10, used=3, left=1)
    assert budget.spend("key", 10) == 0
    with pytest.raises(NoPlace) as caught:
        budget.spend("key", 10)
    assert 490 < (caught.value.retry_after_s or 0) <= 502
    blocked = budget.read("key", 10)
    assert (blocked.used, blocked.left) == (4, 0)
    assert 490 < blocked.blocked_s <= 502


def test_a_told_window_ends_by_itself(redis_client: redis.Redis) -> None:
    budget = Budget(redis_client)
    budget.note_remaining("key", remaining=0, reset_s=500)
    redis_client.delete("budget:key:told")  # as its time does
    assert budget.spend("key", 10) == 9


def hammer(times: int, call: Callable[[int], object]) -> int:
    """Call so often from many threads; how many calls found no place."""

    def one(number: int) -> int:
        try:
            call(number)
        except NoPlace:
            return 1
        return 0

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(one, range(times)))


def violations(upstreams: Upstreams, tenant: str) -> list[Any]:
    """Limits of one organization or company that its callers overran."""
    return [each for each in upstreams.control("GET", "/calls")["violations"] if each["tenant"] == tenant]


def test_visma_never_sees_more_calls_than_it_says_remain(visma_side: VismaSide) -> None:
    visma_side.control("PATCH", "/settings", {"calls_per_hour": 10})
    visma_side.client().list_suppliers()  # the first answer tells
    turned_away = hammer(30, lambda number: visma_side.client(f"w{number % 3}").list_suppliers())
    assert visma_side.observed.count("/v1/supplier") == 10
    assert turned_away == 21
    assert violations(visma_side.upstreams, visma_side.config.company_id) == []


def test_a_429_without_retry_after_holds_everyone_back_until_the_window_ends(
    visma_side: VismaSide,
) -> None:
    visma_side.upstreams.spoil("/v1/supplier", {"kind": "status", "status": 429})
    for worker in ("w1", "w2"):
        with pytest.raises(NoPlace) as caught:
            visma_side.client(worker).list_suppliers()
        assert 0 < (caught.value.retry_after_s or 0) <= 3600
    assert visma_side.observed.count("/v1/supplier") == 1


def test_bill_never_sees_too_many_at_once_nor_in_an_hour(bill_side: BillSide) -> None:
    """Log-ins included, over three workers that start cold."""
    bill_side.control("PATCH", "/settings", {"calls_per_hour": 12})
    bill_side.upstreams.spoil("/v3/", {"kind": "latency", "seconds": 0.05}, times=None)
    limits = LimitsConfig(bill_concurrency=3, bill_calls_per_hour=12)
    turned_away = hammer(24, lambda number: bill_side.client(f"w{number % 3}", limits=limits).check_session())
    assert bill_side.observed.count(LOGIN) == 3
    assert bill_side.observed.count(SESSION) == 9
    assert turned_away == 15
    most = bill_side.upstreams.control("GET", "/calls")["most_at_once"]
    assert most[f"bill:{bill_side.config.organization_id}"] == 3
    assert violations(bill_side.upstreams, bill_side.config.organization_id) == []


def test_tenants_with_one_developer_key_share_its_hour(bill_side: BillSide) -> None:
    other_side = found_bill_side(bill_side.upstreams, bill_side.redis, bill_side.credentials.dev_key)
    limits = LimitsConfig(bill_calls_per_hour=5)
    bill_side.client(limits=limits).check_session()
    other_side.client(limits=limits).check_session()
    bill_side.client(limits=limits).check_session()
    with pytest.raises(NoPlace):
        other_side.client(limits=limits).check_session()
    assert len(bill_side.observed.calls) + len(other_side.observed.calls) == 5


def test_who_finds_no_place_spends_no_call(bill_side: BillSide) -> None:
    bill_side.client().check_session()
    client = bill_side.client(limits=LimitsConfig(bill_concurrency=1))
    client._http.deadline_s = 0.2  # so that it does not wait for long
    before = spent(bill_side)
    with Places(bill_side.redis).hold(f"bill:{bill_side.config.organization_id}", 1):
        with pytest.raises(NoPlace):
            client.check_session()
        assert spent(bill_side) == before > 0


def spent(side: BillSide) -> int:
    """Calls that this hour's budget of the developer key counts."""
    return Budget(side.redis).read(f"bill:{side.credentials.dev_key_digest}", 100).used


def test_the_last_quarter_of_the_log_ins_is_for_tenants_without_a_session(bill_side: BillSide) -> None:
    for worker in ("w1", "w2", "w3", "w4", "w5"):
        bill_side.client(worker, logins_per_hour=4).check_session()
    assert bill_side.observed.count(LOGIN) == 3
    bill_side.control("POST", "/expire-sessions")
    bill_side.client("w6", logins_per_hour=4).check_session()
    assert bill_side.observed.count(LOGIN) == 4, "nobody has a live one: the last log-in"


def test_log_ins_that_bill_counts_otherwise_are_borrowed_too(bill_side: BillSide) -> None:
    bill_side.client("w1").check_session()
    bill_side.upstreams.spoil(LOGIN + "$", {"kind": "status", "status": 422, "code": "BDC_1144"})
    bill_side.client("w2").check_session()
    bill_side.client("w3").check_session()
    assert bill_side.observed.count(LOGIN) == 2, "w3 does not even ask"


@pytest.mark.parametrize("system", ["bill", "visma"])
def test_fresh_sessions_refused_for_a_minute_are_refused_credentials(
    bill_side: BillSide, visma_side: VismaSide, system: str
) -> None:
    clock = FakeClock(datetime(2026, 11, 26, 10, 0, tzinfo=UTC))
    side: BillSide | VismaSide = bill_side if system == "bill" else visma_side
    side.doubts = Doubts(side.redis, clock=clock)
    route, door = (SESSION, LOGIN) if system == "bill" else ("/v1/supplier", "/connect/token")
    side.upstreams.spoil(route, {"kind": "status", "status": 401}, times=None)

    def call() -> None:
        bill_side.client().check_session() if system == "bill" else visma_side.client().list_suppliers()

    for seconds in (0, 20, 20):
        clock.advance(seconds)
        with pytest.raises(Exception, match="401") as caught:
            call()
        assert not isinstance(caught.value, CredentialsRefused)
    assert side.observed.count(door) == 4, "two of the first call, one of each other"
    clock.advance(LASTS_S - 40)
    with pytest.raises(CredentialsRefused, match=f"credentials set .* {system}"):
        call()

    side.upstreams.control("DELETE", "/faults")
    call()
    side.upstreams.spoil(route, {"kind": "status", "status": 401}, times=None)
    with pytest.raises(Exception, match="401") as caught:
        call()
    assert not isinstance(caught.value, CredentialsRefused), "one call let through ends the doubt"
