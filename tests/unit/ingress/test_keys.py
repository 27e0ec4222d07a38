from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Event

import pytest
from structlog.testing import capture_logs

from ingress.keys import NOBODY, KeyRing, KeysUnavailable, TenantKeys, tenant_keys
from shared.bill.webhook_keys import MAX_KEYS, WebhookKey, WebhookKeys
from shared.store.secrets import StoredSecret
from shared.store.tenants import TenantRow
from shared.tenants import BillConfig, MappingConfig, SyncConfig, TenantConfig, VismaConfig
from shared.vault import Sealed, Vault
from tests.unit.ingress.payloads import KEY, ORGANIZATION, TENANT

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
VAULT = Vault([("m1", bytes(32))])
OTHER_VAULT = Vault([("m2", bytes(32))])
OLD = {TENANT: TenantKeys(TENANT, ORGANIZATION, ("old",) * MAX_KEYS)}
NEW = {TENANT: TenantKeys(TENANT, ORGANIZATION, ("new",) * MAX_KEYS)}


class Stopwatch:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Loader:
    """Answers each load with the next of ``answers``, the last one for ever; raises the exceptions."""

    def __init__(self, *answers: Mapping[str, TenantKeys] | Exception) -> None:
        self.answers, self.calls = list(answers), 0

    def __call__(self) -> Mapping[str, TenantKeys]:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def ring(load: Callable[[], Mapping[str, TenantKeys]]) -> tuple[KeyRing, Stopwatch]:
    watch = Stopwatch()
    return KeyRing(load, watch), watch


def test_a_new_key_is_seen_after_ten_seconds_and_not_asked_for_before() -> None:
    load = Loader(OLD, NEW)
    keys, watch = ring(load)
    assert keys.find(TENANT).keys[0] == "old"
    watch.now += 10
    assert keys.find(TENANT).keys[0] == "old"
    assert load.calls == 1
    watch.now += 0.1
    assert keys.find(TENANT).keys[0] == "new"
    assert load.calls == 2


def test_unknown_tenants_ask_the_database_nothing_more() -> None:
    load = Loader(OLD)
    keys, _ = ring(load)
    assert {keys.find(f"tenant-{number}") for number in range(50)} == {NOBODY}
    assert load.calls == 1


def test_without_the_database_the_old_keys_serve_for_thirty_seconds_and_no_longer() -> None:
    keys, watch = ring(Loader(OLD, RuntimeError("down")))
    keys.find(TENANT)
    watch.now += 30
    assert keys.find(TENANT).keys[0] == "old"
    watch.now += 0.1
    with pytest.raises(KeysUnavailable):
        keys.find(TENANT)


def test_a_database_that_is_down_is_not_asked_by_every_request() -> None:
    load = Loader(RuntimeError("down"), NEW)
    keys, watch = ring(load)
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            keys.find(TENANT)
    assert load.calls == 1
    watch.now += 3.1
    assert keys.find(TENANT).keys[0] == "new"


def test_while_one_thread_loads_the_others_go_on_with_the_old_keys() -> None:
    loading, go_on = Event(), Event()
    answers = iter([OLD, NEW])

    def load() -> Mapping[str, TenantKeys]:
        answer = next(answers)
        if answer is NEW:
            loading.set()
            assert go_on.wait(10)
        return answer

    keys, watch = ring(load)
    keys.find(TENANT)
    watch.now += 11
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(keys.find, TENANT)
        assert loading.wait(10)
        assert keys.find(TENANT).keys[0] == "old"
        go_on.set()
        assert first.result(10).keys[0] == "new"


def test_threads_that_need_the_first_load_wait_for_one() -> None:
    load = Loader(NEW)
    keys, _ = ring(load)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(keys.find, [TENANT] * 32))
    assert {keys_found.keys[0] for keys_found in found} == {"new"}
    assert load.calls == 1


def tenant(name: str = TENANT, *, paused: bool = False, suspended: str | None = None) -> TenantRow:
    config = TenantConfig(
        name,
        "Fjord",
        BillConfig("https://bill.example", "https://events.example", ORGANIZATION),
        VismaConfig("https://visma.example", "https://token.example", "t", "1"),
        SyncConfig(date(2026, 1, 1)),
        MappingConfig("1", "SEK", "1"),
    )
    return TenantRow(config, paused, suspended)


def sealed(*keys: WebhookKey, name: str = TENANT, vault: Vault = VAULT) -> StoredSecret:
    content = WebhookKeys("sub-1", keys).to_bytes()
    return StoredSecret(name, "webhook_key", vault.seal(content, tenant=name, kind="webhook_key"))


def real_keys(found: TenantKeys) -> list[str]:
    return [key for key in found.keys if key not in NOBODY.keys]


def test_current_and_old_key_open_until_the_old_one_ends() -> None:
    secret = sealed(WebhookKey("new"), WebhookKey("old", NOW + timedelta(seconds=60)))
    during = tenant_keys([tenant()], [secret], VAULT, NOW)[TENANT]
    after = tenant_keys([tenant()], [secret], VAULT, NOW + timedelta(seconds=60))[TENANT]
    assert real_keys(during) == ["new", "old"]
    assert real_keys(after) == ["new"]


@pytest.mark.parametrize(
    ("row", "secrets"),
    [
        pytest.param(tenant(paused=True), [sealed(WebhookKey(KEY))], id="paused"),
        pytest.param(tenant(), [], id="no key stored"),
        pytest.param(tenant(), [sealed(WebhookKey(KEY, NOW))], id="all keys ended"),
        pytest.param(
            tenant(), [sealed(WebhookKey(KEY), vault=Vault([("m2", bytes(32))]))], id="master key missing"
        ),
        pytest.param(
            tenant(),
            [StoredSecret(TENANT, "webhook_key", sealed(WebhookKey(KEY), name="other").sealed)],
            id="another tenant's seal",
        ),
        pytest.param(tenant(), [StoredSecret(TENANT, "webhook_key", Sealed("m1", b"junk"))], id="junk"),
    ],
)
def test_who_has_no_usable_key_looks_like_nobody(row: TenantRow, secrets: list[StoredSecret]) -> None:
    found = tenant_keys([row], secrets, VAULT, NOW)[TENANT]
    assert real_keys(found) == []
    assert len(found.keys) == MAX_KEYS == len(NOBODY.keys)


def test_a_suspended_tenants_key_opens() -> None:
    row = tenant(suspended="credentials refused")
    assert real_keys(tenant_keys([row], [sealed(WebhookKey(KEY))], VAULT, NOW)[TENANT]) == [KEY]


def test_one_tenants_broken_secret_is_told_and_stops_nobody_else() -> None:
    rows = [tenant(), tenant("other-dk")]
    strange = sealed(WebhookKey(KEY), vault=OTHER_VAULT)
    with capture_logs() as lines:
        found = tenant_keys(rows, [strange, sealed(WebhookKey("b"), name="other-dk")], VAULT, NOW)
    assert real_keys(found["other-dk"]) == ["b"]
    assert real_keys(found[TENANT]) == []
    assert [(line["action"], line["tenant"]) for line in lines] == [("keys.not_usable", TENANT)]
    assert "m2" in lines[0]["error"]
    assert KEY not in str(lines)


def test_keys_never_show() -> None:
    assert KEY not in repr(TenantKeys(TENANT, ORGANIZATION, (KEY,)))
    assert KEY not in repr(WebhookKeys("sub-1", (WebhookKey(KEY),)))
