from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from shared.errors import Retryable
from shared.http_guard import Deadline
from shared.sealed_cache import Made, SealedCache, stamp_of
from shared.vault import Vault

pytestmark = pytest.mark.integration

VAULT = Vault([("k1", b"1" * 32)])
STAMP = stamp_of("user", "password")


def cache(client: redis.Redis, worker: str = "w1", vault: Vault = VAULT) -> SealedCache:
    return SealedCache(client, vault, worker, kind="session")


class Maker:
    """Counts what it made."""

    def __init__(self, lives_s: float = 60.0) -> None:
        self.made = 0
        self._lives_s = lives_s
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        with self._lock:
            self.made += 1
            number = self.made
        threading.Event().wait(0.05)
        return Made(f"sekrit-{number}", self._lives_s)


def get(one: SealedCache, make: Callable[[], Made], stamp: str = STAMP, tenant: str = "acme") -> str:
    return one.get(tenant, stamp, make, Deadline(10))


def test_many_slots_make_one(redis_client: redis.Redis) -> None:
    make = Maker()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: get(cache(redis_client), make), range(8)))
    assert set(found) == {"sekrit-1"}
    assert make.made == 1


def test_another_worker_tenant_or_password_makes_its_own(redis_client: redis.Redis) -> None:
    make = Maker()
    one = cache(redis_client)
    get(one, make)
    get(cache(redis_client, "w2"), make)
    get(one, make, tenant="other")
    assert make.made == 3
    get(one, make, stamp=stamp_of("user", "another password"))
    assert make.made == 4


def test_nothing_readable_is_stored(redis_client: redis.Redis) -> None:
    get(cache(redis_client), Maker())
    for key in redis_client.keys("*"):
        if redis_client.type(key) == b"string":
            assert b"sekrit" not in (redis_client.get(key) or b"")
            assert 0 < redis_client.pttl(key) <= 60_000


@pytest.mark.parametrize("other", [Vault([("k1", b"2" * 32)]), Vault([("k2", b"1" * 32)])])
def test_what_does_not_open_is_made_anew(redis_client: redis.Redis, other: Vault) -> None:
    make = Maker()
    get(cache(redis_client), make)
    assert get(cache(redis_client, vault=other), make) == "sekrit-2"
    redis_client.set("session:acme:w1", b"rubbish")
    assert get(cache(redis_client), make) == "sekrit-3"


def test_drop_forgets_only_what_was_refused(redis_client: redis.Redis) -> None:
    make, one = Maker(), cache(redis_client)
    first = get(one, make)
    one.drop("acme", STAMP, first)
    second = get(one, make)
    one.drop("acme", STAMP, first)
    assert get(one, make) == second == "sekrit-2"


def test_a_sibling_lends_and_a_refused_loan_is_dropped_everywhere(redis_client: redis.Redis) -> None:
    one, two = cache(redis_client, "w1"), cache(redis_client, "w2")
    assert one.find_sibling("acme", STAMP) is None
    lent = get(two, Maker())
    assert one.find_sibling("acme", STAMP) == lent
    assert two.find_sibling("acme", STAMP) is None
    one.drop("acme", STAMP, lent)
    assert two.find("acme", STAMP) is None


def test_keep_alive_prolongs_at_most_once_a_while(redis_client: redis.Redis) -> None:
    one = cache(redis_client)
    get(one, Maker(lives_s=5))
    one.keep_alive("acme", 100, every_s=0)
    assert redis_client.pttl("session:acme:w1") > 90_000
    one.keep_alive("acme", 5, every_s=60)
    assert redis_client.pttl("session:acme:w1") > 90_000


def test_a_failed_make_frees_the_lock(redis_client: redis.Redis) -> None:
    def fail() -> Made:
        raise Retryable("no")

    with pytest.raises(Retryable, match=r"^no$"):
        get(cache(redis_client), fail)
    assert get(cache(redis_client), Maker()) == "sekrit-1"


def test_waiting_ends_at_the_deadline(redis_client: redis.Redis) -> None:
    redis_client.set("session:acme:w1:lock", b"someone", px=5000)
    with pytest.raises(Retryable, match="another slot") as caught:
        cache(redis_client).get("acme", STAMP, Maker(), Deadline(0.2))
    assert not caught.value.counts
