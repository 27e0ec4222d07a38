from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.bill.events import HANDLED_EVENT_TYPES
from shared.bill.models import Page, Subscription
from shared.bill.subscriptions import CreatedSubscription, LoggedEvent
from shared.bill.webhook_keys import WebhookKeys
from shared.errors import CredentialsRefused, OutcomeUnknown, Retryable
from shared.secret import Secret
from shared.settings import load_settings
from shared.store import tenants
from shared.store.pool import Conn, connect
from shared.store.records import list_records
from shared.store.secrets import try_lock_webhook
from shared.tenant_file import parse_tenant
from shared.vault import Vault
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, run_json, the_line
from workers.cli.subscription import KeyKeeper
from workers.wiring import Context

pytestmark = pytest.mark.integration

URL = "https://connector.example.com/webhooks/bill/acme"


class FakeBill:
    """BILL's subscriptions: keys are given once, and lost answers may or may not have had an effect."""

    def __init__(self) -> None:
        self.found: list[Subscription] = []
        self.keys: dict[UUID, str] = {}
        self.calls: list[str] = []
        self.lose: list[str] = []  # "before" or "after" the effect, call by call
        self.refuse_enabling = False
        self.log: list[LoggedEvent] = []

    def fetch_all(self) -> tuple[Subscription, ...]:
        return tuple(self.found)

    def fetch(self, subscription_id: str) -> Subscription:
        return next(one for one in self.found if one.id == subscription_id)

    def list_events(self, *_: object, **__: object) -> Page[LoggedEvent]:
        return Page(tuple(self.log), None)

    def find_by_url(self, url: str) -> Subscription | None:
        return next((one for one in self.found if one.notification_url == url), None)

    def create(
        self, *, name: str, notification_url: str, event_types: tuple[str, ...], idempotency_key: UUID
    ) -> CreatedSubscription:
        self.calls.append("create")
        lost = self._next_loss()
        if lost != "before":
            self.found.append(Subscription("sub-1", notification_url, True, tuple(event_types), name))
        return CreatedSubscription(self.found[-1], self._new_key(idempotency_key, lost))

    def rotate_key(self, subscription_id: str, *, idempotency_key: UUID) -> Secret:
        self.calls.append(f"rotate {subscription_id}")
        return self._new_key(idempotency_key, self._next_loss())

    def set_enabled(self, subscription_id: str, enabled: bool) -> None:
        self.calls.append(f"enable {subscription_id}")
        if self.refuse_enabling:
            raise Retryable("BILL answers 503")
        self.found = [replace(one, enabled=enabled) for one in self.found]

    def _next_loss(self) -> str | None:
        lost = self.lose.pop(0) if self.lose else None
        if lost == "before":
            raise OutcomeUnknown("the answer is lost")
        return lost

    def _new_key(self, idempotency_key: UUID, lost: str | None) -> Secret:
        assert idempotency_key.version == 4
        key = self.keys.setdefault(idempotency_key, f"key-{len(self.keys) + 1}")
        if lost == "after":
            raise OutcomeUnknown("the answer is lost")
        return Secret(key)


@pytest.fixture
def environ(store_dsn: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": store_dsn,
        "REDIS_URL": redis_url,
        "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
        "PUBLIC_BASE_URL": "https://connector.example.com/",
    }


@pytest.fixture
def conn(store_dsn: str) -> Iterator[Conn]:
    with connect(store_dsn, name="test") as conn:
        tenants.apply_tenant(conn, parse_tenant(TENANT_FILE.format(id="acme"), source="test"))
        yield conn


@pytest.fixture
def bill(conn: Conn, monkeypatch: pytest.MonkeyPatch) -> FakeBill:
    fake = FakeBill()
    monkeypatch.setattr(Context, "subscriptions", lambda *_: fake)
    return fake


@pytest.fixture
def stored(conn: Conn, environ: dict[str, str]) -> KeyKeeper:
    return KeyKeeper(conn, Vault(load_settings(environ).master_keys), "acme")


def _valid_keys(keeper: KeyKeeper, *, in_s: float = 0) -> tuple[str, ...]:
    keys = keeper.find()
    assert keys is not None
    return keys.valid_at(datetime.now(UTC) + timedelta(seconds=in_s))


def test_subscribing_seals_the_key_of_a_new_subscription(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper
) -> None:
    done = run(environ, "webhook", "subscribe", "acme")
    assert done.exit_code == 0, done.output
    (made,) = bill.found
    assert made.notification_url == URL
    assert made.event_types == HANDLED_EVENT_TYPES
    assert stored.find() == WebhookKeys.from_bytes(
        b'{"subscription_id":"sub-1","keys":[{"key":"key-1","valid_until":null}]}'
    )
    assert "key-1" not in done.output


@pytest.mark.parametrize(
    "lose, calls, key",
    [
        (["after"], ["create", "rotate sub-1"], "key-2"),  # it exists: its key is made anew
        (["before"], ["create", "create"], "key-1"),  # it does not: asked again as the same request
        (["after", "after"], ["create", "rotate sub-1", "rotate sub-1"], "key-2"),  # never a third key
        (["after", "before"], ["create", "rotate sub-1", "rotate sub-1"], "key-2"),
    ],
)
def test_a_lost_answer_leaves_one_subscription_with_its_key_here(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper, lose: list[str], calls: list[str], key: str
) -> None:
    bill.lose = lose
    done = run(environ, "webhook", "subscribe", "acme")
    assert done.exit_code == 0, done.output
    assert bill.calls == calls
    assert len(bill.found) == 1
    assert _valid_keys(stored) == (key,)
    assert bill.keys[list(bill.keys)[-1]] == key


def test_an_answer_lost_for_good_is_mended_by_the_next_run(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper
) -> None:
    bill.lose = ["after", "after", "after"]
    assert "run the command again" in the_line(run(environ, "webhook", "subscribe", "acme"))
    assert stored.find() is None
    assert run(environ, "webhook", "subscribe", "acme").exit_code == 0
    assert len(bill.found) == 1
    assert _valid_keys(stored) == (list(bill.keys.values())[-1],)


def test_an_existing_subscription_gets_a_new_key_and_is_switched_on(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper
) -> None:
    bill.found = [Subscription("sub-9", URL, False, HANDLED_EVENT_TYPES)]
    stored.keep("sub-9", Secret("old"), None, 0)
    assert run(environ, "webhook", "subscribe", "acme", "--grace", "60").exit_code == 0
    assert bill.calls == ["rotate sub-9", "enable sub-9"]
    assert bill.found[0].enabled
    assert _valid_keys(stored) == ("key-1", "old")
    assert _valid_keys(stored, in_s=61) == ("key-1",)


def test_the_key_is_stored_before_anything_else_can_fail(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper
) -> None:
    bill.found = [Subscription("sub-9", URL, False, HANDLED_EVENT_TYPES)]
    bill.refuse_enabling = True
    assert "BILL answers 503; try again" in the_line(run(environ, "webhook", "subscribe", "acme"))
    assert _valid_keys(stored) == ("key-1",)


def test_a_subscription_that_lacks_events_is_told(environ: dict[str, str], bill: FakeBill) -> None:
    bill.found = [Subscription("sub-9", URL, True, HANDLED_EVENT_TYPES[:-1])]
    done = run(environ, "webhook", "subscribe", "acme")
    assert done.exit_code == 0
    assert f"lacks {HANDLED_EVENT_TYPES[-1]}" in done.stderr


@pytest.mark.parametrize(("grace", "valid"), [("3600", ("key-1", "old")), ("0", ("key-1",))])
def test_rotating_keeps_the_old_key_for_its_grace(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper, grace: str, valid: tuple[str, ...]
) -> None:
    stored.keep("sub-9", Secret("old"), None, 0)
    assert run(environ, "webhook", "rotate", "acme", "--grace", grace).exit_code == 0
    assert bill.calls == ["rotate sub-9"]
    assert _valid_keys(stored) == valid


@pytest.mark.usefixtures("bill")
def test_rotating_needs_a_subscription(environ: dict[str, str]) -> None:
    assert "connector webhook subscribe acme" in the_line(run(environ, "webhook", "rotate", "acme"))


def test_a_key_that_does_not_open_is_replaced(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper
) -> None:
    bill.found = [Subscription("sub-9", URL, True, HANDLED_EVENT_TYPES)]
    stored.keep("sub-9", Secret("old"), None, 0)
    other = {**environ, "CONNECTOR_MASTER_KEYS": "test:" + "A" * 43 + "="}
    assert run(other, "webhook", "subscribe", "acme").exit_code == 0
    assert bill.calls == ["rotate sub-9"]


def test_an_unknown_master_key_stops_before_bill_is_asked(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper
) -> None:
    stored.keep("sub-9", Secret("old"), None, 0)
    other = {**environ, "CONNECTOR_MASTER_KEYS": "new:" + "A" * 43 + "="}
    assert "master key 'test'" in the_line(run(other, "webhook", "rotate", "acme"))
    assert bill.calls == []


def test_only_one_command_at_a_time_changes_the_keys(
    environ: dict[str, str], bill: FakeBill, conn: Conn
) -> None:
    assert try_lock_webhook(conn, "acme")
    assert "another command" in the_line(run(environ, "webhook", "subscribe", "acme"))
    assert bill.calls == []


@pytest.mark.usefixtures("conn")
def test_missing_credentials_say_how_to_set_them(environ: dict[str, str]) -> None:
    assert "connector credentials set acme bill" in the_line(run(environ, "webhook", "subscribe", "acme"))


@pytest.mark.usefixtures("conn")
def test_a_wrong_password_at_bill_says_what_to_do(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CredentialsRefused("bill", "BILL refuses: `connector credentials set TENANT bill`")

    monkeypatch.setattr(Context, "subscriptions", refuse)
    assert "`connector credentials set acme bill`" in the_line(run(environ, "webhook", "status", "acme"))


@pytest.mark.parametrize(
    "found, key_of, advice",
    [
        (None, None, "BILL does not notify us"),
        (("sub-9", URL, True), None, "security key is not stored"),
        (("sub-9", URL, True), "sub-8", "security key is not stored"),
        (("sub-9", URL, False), "sub-9", "switched delivery off"),
        (("sub-9", "https://old.example.com/webhooks/bill/acme", True), "sub-9", "delivers elsewhere"),
        (("sub-9", URL, True), "sub-9", None),
    ],
)
def test_status_says_what_is_wrong_with_the_subscription(
    environ: dict[str, str],
    bill: FakeBill,
    stored: KeyKeeper,
    found: tuple[str, str, bool] | None,
    key_of: str | None,
    advice: str | None,
) -> None:
    bill.found = [Subscription(*found, HANDLED_EVENT_TYPES)] if found else []
    if key_of:
        stored.keep(key_of, Secret("old"), None, 0)
    report = run_json(environ, "webhook", "status", "acme")
    assert report["subscription_id"] == (found[0] if found else None)
    assert report["enabled"] == bool(found and found[2])
    assert (advice in report["advice"]) if advice else report["advice"] is None
    shown = run(environ, "webhook", "status", "acme")
    assert shown.exit_code == 0
    assert "old" not in shown.stdout.replace("https://old.example.com", "")


def _logged(number: int) -> LoggedEvent:
    metadata = {"eventId": f"event-{number}", "eventType": "bill.created", "organizationId": "00801TEST"}
    payload = {"metadata": metadata, "bill": {"id": f"00n{number}"}}
    return LoggedEvent(f"event-{number}", "bill.created", json.dumps(payload), datetime.now(UTC))


@pytest.mark.usefixtures("redis_client")
def test_recovering_fetches_what_status_says_is_missing(
    environ: dict[str, str], bill: FakeBill, stored: KeyKeeper, conn: Conn
) -> None:
    created_at = datetime.now(UTC) - timedelta(hours=1)
    bill.found = [Subscription("sub-9", URL, False, HANDLED_EVENT_TYPES, created_at=created_at)]
    stored.keep("sub-9", Secret("old"), None, 0)
    bill.log = [_logged(1), _logged(2)]
    before = run_json(environ, "webhook", "status", "acme")
    assert (before["missing"], before["listed"], before["last_recovery_at"]) == (2, 2, None)
    assert "missing 2 of 2" in run(environ, "webhook", "status", "acme").stdout
    assert "connector webhook recover acme" in before["advice"]

    done = run(environ, "webhook", "recover", "acme")
    assert done.exit_code == 0, done.stderr
    assert "it is on again" in done.stdout
    assert "missing 2 of 2; fetched" in done.stdout
    assert [row.bill_id for row in list_records(conn, "acme")] == ["00n1", "00n2"]

    after = run_json(environ, "webhook", "status", "acme")
    assert (after["missing"], after["listed"], after["enabled"]) == (0, 2, True)
    assert after["last_recovery_at"] is not None
    assert run_json(environ, "webhook", "recover", "acme") == {
        "tenant": "acme", "listed": 2, "missing": 0, "unreadable": 0, "switched_on": False,
    }  # fmt: skip


@pytest.mark.usefixtures("bill")
def test_recovering_needs_a_subscription(environ: dict[str, str]) -> None:
    assert "connector webhook subscribe acme" in the_line(run(environ, "webhook", "recover", "acme"))
