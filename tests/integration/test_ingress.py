from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from ingress.app import CLOSE, create_app
from shared.bill.webhook_keys import WebhookKey, WebhookKeys
from shared.circuit import OPENS_AT, Circuits
from shared.queues import DRAIN_EVENTS, INTAKE
from shared.settings import load_settings
from shared.store import dead_letters, records, tenants
from shared.store.pool import Conn, connect
from shared.store.secrets import put_secret
from shared.stream import EventStream
from shared.tenants import BillConfig, MappingConfig, SyncConfig, TenantConfig, VismaConfig
from shared.vault import Vault
from tests.unit.ingress.payloads import KEY, ORGANIZATION, TENANT, minified, notification, signed

pytestmark = pytest.mark.integration

MASTER_KEYS = "m1:" + "A" * 43 + "="
BODY = minified(notification())
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def conn(store_dsn: str) -> Iterator[Conn]:
    with connect(store_dsn, name="test") as connection:
        config = TenantConfig(
            TENANT,
            "Fjord",
            BillConfig("https://bill.example", "https://events.example", ORGANIZATION),
            VismaConfig("https://visma.example", "https://token.example", "t", "1"),
            SyncConfig(date(2026, 1, 1)),
            MappingConfig("1", "SEK", "1"),
        )
        tenants.apply_tenant(connection, config)
        store_key(connection, KEY)
        yield connection


def store_key(conn: Conn, key: str) -> None:
    vault = Vault(load_settings(environ("postgresql://x/y", "redis://x/0")).master_keys)
    content = WebhookKeys("sub-1", (WebhookKey(key),)).to_bytes()
    put_secret(conn, TENANT, "webhook_key", vault.seal(content, tenant=TENANT, kind="webhook_key"))


def environ(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CONNECTOR_MASTER_KEYS": MASTER_KEYS}


@pytest.fixture
def apps() -> Iterator[list[Flask]]:
    """Apps to close after the test."""
    made: list[Flask] = []
    yield made
    for app in made:
        app.extensions[CLOSE]()


@pytest.fixture
def client(conn: Conn, store_dsn: str, redis_client: Redis, redis_url: str, apps: list[Flask]) -> FlaskClient:
    apps.append(create_app(load_settings(environ(store_dsn, redis_url))))
    return apps[-1].test_client()


def post(client: FlaskClient, body: bytes = BODY, tenant: str = TENANT, key: str = KEY) -> int:
    headers = {"x-bill-sha-signature": signed(body, key)}
    return client.post(f"/webhooks/bill/{tenant}", data=body, headers=headers).status_code


def test_an_accepted_event_is_on_the_stream_and_a_drain_is_called_for(
    client: FlaskClient, redis_client: Redis
) -> None:
    before = datetime.now(UTC)
    assert [post(client), post(client)] == [200, 200]
    entries = EventStream(redis_client).read("w1")
    assert [(entry.tenant, entry.body) for entry in entries] == [(TENANT, BODY)] * 2
    assert before <= entries[0].received_at <= datetime.now(UTC)
    [message] = redis_client.lrange(INTAKE, 0, -1)  # type: ignore[misc]
    assert json.loads(message)["headers"]["task"] == DRAIN_EVENTS


def test_strangers_and_unknown_tenants_leave_no_trace(client: FlaskClient, redis_client: Redis) -> None:
    assert post(client, key="not the key") == 401
    assert post(client, tenant="nobody-se") == 401
    assert redis_client.keys() == []


@pytest.mark.parametrize(("change", "status"), [("pause", 401), ("suspend", 200), ("rotate", 401)])
def test_what_happens_to_a_tenant_decides(change: str, status: int, client: FlaskClient, conn: Conn) -> None:
    if change == "pause":
        tenants.set_paused(conn, TENANT, paused=True)
    elif change == "suspend":
        tenants.suspend(conn, TENANT, "BILL refused the credentials")
    else:
        store_key(conn, "a newer key")
    assert post(client) == status


def test_without_the_queue_bill_is_asked_to_come_again_soon(
    conn: Conn, store_dsn: str, apps: list[Flask]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for address in (NOWHERE, f"127.0.0.1:{silent.getsockname()[1]}"):
            apps.append(create_app(load_settings(environ(store_dsn, f"redis://{address}/0"))))
            began = time.monotonic()
            assert post(apps[-1].test_client()) == 503
            assert time.monotonic() - began < 10, "BILL gives up after ten seconds"


def test_without_the_database_nobody_is_let_in_or_sent_away(
    redis_client: Redis, redis_url: str, apps: list[Flask]
) -> None:
    settings = load_settings(environ(f"postgresql://{NOWHERE}/none", redis_url))
    apps.append(create_app(settings))
    client = apps[-1].test_client()
    assert [post(client), post(client, tenant="nobody-se")] == [503, 503]
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "not_ready", "queue": "ok", "database": "unreachable"}
    assert client.get("/livez").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_ready_with_both_servers(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.get_json() == {"status": "ready", "queue": "ok", "database": "ok"}


def test_metrics_show_the_state_in_the_database(client: FlaskClient, conn: Conn) -> None:
    records.make_due(conn, TENANT, [records.Heard("vendor", "00901A", datetime.now(UTC))])
    letter = dead_letters.DeadLetter(DRAIN_EVENTS, [], "ValueError", "not JSON", tenant=TENANT)
    dead_letters.add_letter(conn, letter)
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    assert f'connector_records{{kind="vendor",state="pending",tenant="{TENANT}"}} 1.0' in lines
    assert f'connector_dead_letters{{tenant="{TENANT}"}} 1.0' in lines
    assert any(line.startswith('connector_lag_seconds{kind="vendor"') for line in lines)
    assert f'connector_lag_seconds{{kind="bill",tenant="{TENANT}"}} 0.0' in lines
    assert f'connector_circuit_open{{system="bill",tenant="{TENANT}"}} 0.0' in lines


def test_metrics_show_polls_and_circuits(client: FlaskClient, conn: Conn, redis_client: Redis) -> None:
    """The poll's time, not that of a sweep or of the waiting bills, which have the same kinds."""
    for source, year in (("bill", 2026), ("sweep", 2024), ("waiting", 2025)):
        conn.execute(
            "UPDATE watermarks SET last_complete_at = make_timestamptz(%s, 1, 1, 0, 0, 0, 'UTC') "
            "WHERE tenant = %s AND source = %s",
            (year, TENANT, source),
        )
    for _ in range(OPENS_AT):
        Circuits(redis_client).note(TENANT, "visma", answered=False)
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    begun = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    shown = [line for line in lines if line.startswith("connector_poll_timestamp_seconds{")]
    assert [float(line.split("} ")[1]) for line in shown] == [begun] * 2
    assert f'connector_circuit_open{{system="visma",tenant="{TENANT}"}} 1.0' in lines
