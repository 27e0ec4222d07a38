from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.budget import Budget
from shared.errors import NoPlace, Retryable
from shared.limits import Places

pytestmark = pytest.mark.integration


@pytest.fixture
def away() -> Iterator[redis.Redis]:
    """A Redis that nobody serves."""
    with redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as client:
        yield client


def test_never_more_than_the_limit_at_once(redis_client: redis.Redis) -> None:
    at_once: list[int] = []
    held: set[int] = set()

    def work(number: int) -> None:
        with Places(redis_client).hold("org", 3, wait_s=20):
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


def test_a_waiter_is_woken_long_before_the_lease_ends(redis_client: redis.Redis) -> None:
    places, taken, waited_s = Places(redis_client), threading.Event(), 0.0

    def hold_shortly() -> None:
        with places.hold("org", 1):
            taken.set()
            threading.Event().wait(0.2)

    holder = threading.Thread(target=hold_shortly)
    holder.start()
    assert taken.wait(5)
    started = time.monotonic()
    with places.hold("org", 1, wait_s=10):
        waited_s = time.monotonic() - started
    holder.join()
    assert 0.05 < waited_s < 2


def test_a_lease_ends_when_its_holder_died(redis_client: redis.Redis) -> None:
    died = Places(redis_client).hold("org", 1, lease_s=0.3)
    died.__enter__()
    with Places(redis_client).hold("org", 1, wait_s=5):
        pass
    died.__exit__(None, None, None)  # a late one gives back nothing that is not its own


def test_a_late_holder_does_not_free_another_ones_place(redis_client: redis.Redis) -> None:
    places = Places(redis_client)
    late = places.hold("org", 1, lease_s=0.05)
    late.__enter__()
    with places.hold("org", 1, wait_s=5):
        late.__exit__(None, None, None)
        with pytest.raises(NoPlace), places.hold("org", 1, wait_s=0):
            pass


def test_lost_data_give_no_place_for_one_lease(redis_client: redis.Redis) -> None:
    knows, new = Places(redis_client), Places(redis_client)
    with knows.hold("org", 3):
        pass
    redis_client.flushdb()
    for places in (knows, new):
        with pytest.raises(NoPlace, match="lost") as caught, places.hold("org", 3, lease_s=0.5):
            pass
        assert 0 < (caught.value.retry_after_s or 0) <= 0.5
    threading.Event().wait(0.5)
    with knows.hold("org", 3, lease_s=0.5):
        pass


def test_who_begins_after_the_loss_knows_of_it_too(redis_client: redis.Redis) -> None:
    kept = {"life": ""}

    def begin() -> Places:
        return Places(redis_client, recall=lambda: kept["life"], remember=lambda life: kept.update(life=life))

    with begin().hold("org", 3):
        pass
    with begin().hold("org", 3):
        pass
    redis_client.flushdb()
    for _ in range(2):
        with pytest.raises(NoPlace, match="lost"), begin().hold("org", 3, lease_s=0.5):
            pass
    threading.Event().wait(0.5)
    with begin().hold("org", 3, lease_s=0.5):
        pass


def test_the_time_since_the_loss_counts_from_when_it_is_noted(redis_client: redis.Redis) -> None:
    places = Places(redis_client)
    with places.hold("org", 1, lease_s=30):
        redis_client.flushdb()
    places.note_life()
    noted = int(redis_client.get("places:life") or 0)
    places.note_life()
    assert int(redis_client.get("places:life") or 0) == noted, "once"
    redis_client.set("places:life", noted - 29_500)  # as if that had been so long ago
    with pytest.raises(NoPlace) as caught, places.hold("org", 1, lease_s=30, wait_s=0):
        pass
    assert caught.value.retry_after_s is not None and 0 < caught.value.retry_after_s <= 0.5


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
