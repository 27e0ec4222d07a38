"""A tenant's circuit on a real Redis: what opens it, what closes it, and who may try meanwhile."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.circuit import FIRST_GAP_S, LONGEST_GAP_S, OPENS_AT, Circuits
from shared.errors import Retryable

pytestmark = pytest.mark.integration


@pytest.fixture
def circuits(redis_client: Redis) -> Circuits:
    return Circuits(redis_client)


def fail(circuits: Circuits, times: int, tenant: str = "acme", system: str = "visma") -> None:
    for _ in range(times):
        circuits.note(tenant, system, answered=False)


def end_gap(redis: Redis) -> None:
    redis.delete("circuit:acme:visma:gap")


def test_failures_in_a_row_open_it_and_one_answer_closes_it(circuits: Circuits) -> None:
    fail(circuits, OPENS_AT - 1)
    assert not circuits.find_state("acme", "visma").open
    assert circuits.find_room("acme", 6) == 6
    fail(circuits, 1)
    assert circuits.find_state("acme", "visma").open
    assert circuits.find_room("acme", 6) == 0
    assert not circuits.may_work("acme")
    circuits.note("acme", "visma", answered=True)
    assert circuits.find_room("acme", 6) == 6
    assert circuits.may_work("acme")


def test_an_answer_in_between_starts_the_count_anew(circuits: Circuits) -> None:
    fail(circuits, OPENS_AT - 1)
    circuits.note("acme", "visma", answered=True)
    fail(circuits, OPENS_AT - 1)
    assert not circuits.find_state("acme", "visma").open


def test_after_the_gap_one_probe_at_a_time_may_try(circuits: Circuits, redis_client: Redis) -> None:
    fail(circuits, OPENS_AT)
    end_gap(redis_client)
    other_worker = Circuits(redis_client)
    assert circuits.find_room("acme", 6) == 1
    assert circuits.may_work("acme")
    assert not other_worker.may_work("acme")
    other_worker.end_probe("acme")  # of work that was begun before the circuit opened
    assert not other_worker.may_work("acme")
    circuits.end_probe("acme")
    assert other_worker.may_work("acme")


def test_a_probe_needs_both_systems_ready(circuits: Circuits, redis_client: Redis) -> None:
    fail(circuits, OPENS_AT, system="bill")
    fail(circuits, OPENS_AT)
    redis_client.delete("circuit:acme:bill:gap")
    assert not circuits.may_work("acme"), "Visma rests yet"
    end_gap(redis_client)
    assert Circuits(redis_client).may_work("acme"), "and nobody holds back BILL's probe"


def test_gaps_grow_with_every_probe_up_to_a_limit(circuits: Circuits, redis_client: Redis) -> None:
    gaps = []
    fail(circuits, OPENS_AT - 1)
    for _ in range(9):
        end_gap(redis_client)
        fail(circuits, 1)
        gaps.append(redis_client.pttl("circuit:acme:visma:gap") / 1000)
    assert gaps[0] == pytest.approx(FIRST_GAP_S, abs=0.5)
    assert gaps[1] == pytest.approx(2 * FIRST_GAP_S, abs=0.5)
    assert gaps[-1] == pytest.approx(LONGEST_GAP_S, abs=0.5)


def test_calls_that_fail_together_do_not_lengthen_the_gap(circuits: Circuits, redis_client: Redis) -> None:
    fail(circuits, OPENS_AT + 10)
    assert redis_client.pttl("circuit:acme:visma:gap") <= FIRST_GAP_S * 1000


def test_other_tenants_and_the_other_system_do_not_notice(circuits: Circuits) -> None:
    fail(circuits, OPENS_AT)
    assert circuits.may_work("nordwind")
    assert circuits.find_room("nordwind", 6) == 6
    assert not circuits.find_state("acme", "bill").open


def test_a_redis_without_its_data_has_closed_circuits(circuits: Circuits, redis_client: Redis) -> None:
    fail(circuits, OPENS_AT)
    redis_client.flushdb()
    assert circuits.may_work("acme")


def test_what_a_call_met_is_no_error_of_the_call_when_redis_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    with Redis(port=1, retry=Retry(NoBackoff(), 0)) as dead:
        circuits = Circuits(dead)
        circuits.note("acme", "visma", answered=True)
        circuits.note("acme", "visma", answered=False)
        circuits.end_probe("acme")
        assert not circuits.is_known_closed("acme", "visma")
        with pytest.raises(Retryable):
            circuits.may_work("acme")
    assert len(caplog.records) == 3
