from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared import limits
from shared.budget import Budget
from shared.errors import NoPlace, Retryable
from shared.limits import LEASE_S, Places
from tests.support.redis_time import RedisTime

pytestmark = pytest.mark.integration


@pytest.fixture
def away() -> Iterator[redis.Redis]:
    """A Redis that nobody serves."""
    with redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as client:
        yield client


@pytest.fixture
def redis_time(redis_client: redis.Redis) -> RedisTime:
    return RedisTime(redis_client)


def test_never_more_than_the_limit_at_once(redis_client: redis.Redis) -> None:
    at_once: list[int] = []
    held: set[int] = set()

    def work(number: int) -> None:
        with Places(redis_client).hold("org", 3, wait_s=LEASE_S):
            held.add(number)
            at_once.append(len(held))
            threading.Event().wait(0.01)
            held.discard(number)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(36)))
    assert max(at_once) == 3
    assert len(at_once) == 36


def test_a_taken_place_is_told_of(redis_client: redis.Redis) -> None:
    places = Places(redis_client)
    with places.hold("org", 1), places.hold("other", 1):
        with pytest.raises(NoPlace) as caught, places.hold("org", 1, wait_s=0):
            pass
        assert caught.value.retry_after_s is not None
        assert 0 < caught.value.retry_after_s <= 1
    with places.hold("org", 1, wait_s=0):
        pass


@pytest.fixture
def patient(redis_url: str) -> Iterator[redis.Redis]:
    """A client that waits for an answer as long as it takes."""
    with redis.Redis.from_url(redis_url, socket_timeout=None) as client:
        yield client


def test_a_waiter_is_woken_by_who_gives_its_place_back(
    redis_client: redis.Redis, patient: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_LONGEST_NAP_S", LEASE_S)  # then it can only be woken

    def wait_for_place() -> None:
        with Places(patient).hold("org", 1, wait_s=LEASE_S):
            pass

    with ThreadPoolExecutor(1) as thread:
        with Places(redis_client).hold("org", 1):
            waiter = thread.submit(wait_for_place)
            wait_asleep(redis_client)
        waiter.result(LEASE_S / 2)


def wait_asleep(client: redis.Redis, within_s: float = 20) -> None:
    """Until somebody sleeps in Redis until a place is given back."""
    until = time.monotonic() + within_s
    while not any(
        one["db"] == own_database(client) and one["cmd"] == "blpop" for one in client.client_list()
    ):
        assert time.monotonic() < until, "nobody waits"


def own_database(client: redis.Redis) -> str:
    return str(client.connection_pool.connection_kwargs["db"])


def test_a_lease_ends_when_its_holder_died(redis_client: redis.Redis, redis_time: RedisTime) -> None:
    died = Places(redis_client).hold("org", 1)
    died.__enter__()
    redis_time.pass_time(LEASE_S)
    with Places(redis_client).hold("org", 1, wait_s=0):
        pass
    died.__exit__(None, None, None)  # a late one gives back nothing that is not its own


def test_a_late_holder_does_not_free_another_ones_place(
    redis_client: redis.Redis, redis_time: RedisTime
) -> None:
    places = Places(redis_client)
    late = places.hold("org", 1)
    late.__enter__()
    redis_time.pass_time(LEASE_S)
    with places.hold("org", 1, wait_s=0):
        late.__exit__(None, None, None)
        with pytest.raises(NoPlace), places.hold("org", 1, wait_s=0):
            pass


def test_lost_data_give_no_place_for_one_lease(redis_client: redis.Redis, redis_time: RedisTime) -> None:
    knows, new = Places(redis_client), Places(redis_client)
    with knows.hold("org", 3):
        pass
    redis_client.flushdb()
    for places in (knows, new):
        with pytest.raises(NoPlace, match="lost") as caught, places.hold("org", 3):
            pass
        assert 0 < (caught.value.retry_after_s or 0) <= LEASE_S
    redis_time.pass_time(LEASE_S)
    with knows.hold("org", 3):
        pass


def test_data_lost_in_the_millisecond_of_their_making_are_lost(redis_client: redis.Redis) -> None:
    for _ in range(50):
        redis_client.flushdb()
        places = Places(redis_client)
        with places.hold("org", 1):
            redis_client.flushdb()
        with pytest.raises(NoPlace, match="lost"), places.hold("org", 1):
            pass


def test_who_begins_after_the_loss_knows_of_it_too(redis_client: redis.Redis, redis_time: RedisTime) -> None:
    kept = {"life": ""}

    def begin() -> Places:
        return Places(redis_client, recall=lambda: kept["life"], remember=lambda life: kept.update(life=life))

    with begin().hold("org", 3):
        pass
    with begin().hold("org", 3):
        pass
    redis_client.flushdb()
    for _ in range(2):
        with pytest.raises(NoPlace, match="lost"), begin().hold("org", 3):
            pass
    redis_time.pass_time(LEASE_S)
    with begin().hold("org", 3):
        pass


def test_the_time_since_the_loss_counts_from_when_it_is_noted(redis_client: redis.Redis) -> None:
    places = Places(redis_client)
    with places.hold("org", 1, lease_s=3600):
        redis_client.flushdb()
    places.note_life()
    noted = int(redis_client.get("places:life") or 0)
    places.note_life()
    assert int(redis_client.get("places:life") or 0) == noted, "once"
    redis_client.set("places:life", noted - 1800 * 1_000_000)  # as if that had been half a lease ago
    with pytest.raises(NoPlace) as caught, places.hold("org", 1, lease_s=3600, wait_s=0):
        pass
    assert caught.value.retry_after_s is not None and 0 < caught.value.retry_after_s <= 1800


def test_an_empty_redis_is_no_lost_one(redis_client: redis.Redis) -> None:
    with Places(redis_client).hold("org", 1, wait_s=0):
        pass


def test_without_redis_nobody_is_to_blame(away: redis.Redis) -> None:
    for fails in (lambda: Budget(away).spend("key", 1), lambda: Places(away).hold("org", 1).__enter__()):
        with pytest.raises(Retryable) as caught:
            fails()
        assert not caught.value.counts


def test_an_answer_survives_that_its_place_cannot_be_given_back(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(redis_client)

    def fail(*args: object, **kwargs: object) -> None:
        raise redis.ConnectionError("gone")

    with places.hold("org", 1):
        monkeypatch.setattr(places, "_give_back", fail)
