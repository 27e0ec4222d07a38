"""Walls: between one tenant and another, and between secrets and everything that people read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from redis import Redis

from deploy.stage import Stage
from shared.store.pool import Conn, identifier
from tests.acceptance.firm import Firm
from tests.command_line import run, run_json
from tests.support.staging import FLOWER_USER, WORKER_NAME

pytestmark = pytest.mark.acceptance


def test_two_tenants_see_nothing_of_one_another(firm: Firm, other_firm: Firm) -> None:
    firms = (firm, other_firm)
    bills = {each.id: each.sync_bill(each.sync_vendor(name="Samma AB"), "F-1") for each in firms}
    environ = dict(firm.stage.composition.environ)
    for each in firms:
        assert [effect[:2] for effect in each.effects()] == [
            ("created", "supplier"),
            ("created", "supplierInvoice"),
        ]
        listed = run_json(environ, "records", "list", each.id, "--kind", "bill")
        assert [record["bill_id"] for record in listed] == [bills[each.id]]

    stranger = other_firm.notification("e-1", "bill", bills[other_firm.id])
    assert firm.post(stranger).status_code == 400, "another organization's id, signed with our key"
    assert firm.post(stranger, tenant=other_firm.id).status_code == 401, "our key at their door"
    asked = run(environ, "records", "show", firm.id, "bill", bills[other_firm.id])
    assert asked.exit_code == 1


def test_no_secret_stands_anywhere_that_people_or_systems_read(firm: Firm, stage: Stage) -> None:
    vendor_id = firm.sync_vendor(name="Öppen Text AB")
    firm.control.add_fault(
        "status", system="visma", tenant=firm.company, method="POST", status=400, message="Nej."
    )
    firm.settle("bill", firm.create_bill(vendor_id, "F-1"), "dead")
    secrets = find_secrets(firm)
    break_credentials(firm)
    firm.create_bill(vendor_id, "F-2")
    firm.until(lambda: is_suspended(firm), "BILL refuses the password")

    for place, text in places(firm, stage):
        for name, secret in secrets.items():
            assert secret not in text, f"{name} stands in {place}"


def find_secrets(firm: Firm) -> dict[str, str]:
    """Everything secret that the work above has used, by what it is."""
    environ = firm.stage.composition.environ
    master_key = environ["CONNECTOR_MASTER_KEYS"].partition(":")[2]
    found = {
        "BILL's password": firm.password,
        "the developer key": firm.dev_key,
        "the client secret": firm.client_secret,
        "the webhook key": firm.keys[0],
        **unsealed(firm, "bill_session"),
        **unsealed(firm, "visma_token"),
        "the master key": master_key,
        "the master key's bytes": base64.b64decode(master_key).hex(),
        "Flower's password": environ["FLOWER_BASIC_AUTH"].partition(":")[2],
    }
    for name in ("DATABASE_URL", "REDIS_URL"):
        if password := urlsplit(environ[name]).password:
            found[name] = password
    assert all(len(secret) >= 12 for secret in found.values())
    return found


def unsealed(firm: Firm, kind: str) -> dict[str, str]:
    """The sessions or tokens that workers and commands use for this tenant, by their keys in Redis."""
    found = {}
    with Redis.from_url(firm.stage.composition.settings.redis_url) as redis:
        for name in redis.smembers(f"{kind}:{firm.id}"):  # type: ignore[union-attr]
            key = f"{kind}:{firm.id}:{name.decode()}"
            sealed = redis.get(key)
            assert isinstance(sealed, bytes)
            plain = json.loads(firm.vault.unseal(sealed, tenant=firm.id, kind=kind))
            found[key] = str(plain["value"])
    assert f"{kind}:{firm.id}:{WORKER_NAME}" in found
    return found


def break_credentials(firm: Firm) -> None:
    """Someone changes the password of the sync user."""
    firm.control.organization_access(firm.organization, passwords={firm.username: "another"})
    firm.control.expire_sessions(firm.organization)


def is_suspended(firm: Firm) -> bool:
    """Whether the tenant's work has stopped."""
    row = firm.conn.execute("SELECT suspended FROM tenants WHERE id = %s", (firm.id,)).fetchone()
    return bool(row and row["suspended"])


def places(firm: Firm, stage: Stage) -> Iterator[tuple[str, str]]:
    """What people and systems can read, with proof each time that the right thing is looked at."""
    for name, text, sign in (
        ("the worker's log", (stage.log_dir / "worker.log").read_text("utf-8"), firm.id),
        ("the log of the ingress", (stage.log_dir / "web.log").read_text("utf-8"), "gunicorn"),
        ("beat's log", (stage.log_dir / "beat.log").read_text("utf-8"), "beat"),
        ("Flower's log", (stage.log_dir / "flower.log").read_text("utf-8"), "Connected to redis"),
        ("the database", dump_database(firm.conn), "Öppen Text AB"),
        ("Redis", dump_redis(stage), f"bill_session:{firm.id}"),
        ("the process list", list_processes(stage), "workers.app"),
        ("the metrics", requests.get(f"{stage.addresses.web_url}/metrics", timeout=10).text, firm.id),
        ("Flower's tasks", ask_flower(stage, "/api/tasks"), "connector.upsert_supplier"),
        ("Flower's workers", ask_flower(stage, "/api/workers?refresh=1"), WORKER_NAME),
        ("Flower's worker page", ask_flower(stage, f"/worker/celery@{WORKER_NAME}"), WORKER_NAME),
        ("Flower's broker page", ask_flower(stage, "/broker"), "webhooks"),
        ("tenant show", shown(stage, "tenant", "show", firm.id), firm.company),
        ("the dead letters", shown(stage, "dead-letters", "list", firm.id), "Nej."),
        *((f"dead letter {number}", text, "Traceback") for number, text in show_letters(firm, stage)),
        ("the records", shown(stage, "records", "list", firm.id), "Öppen Text AB"),
        *((f"{kind} {key}", text, key) for kind, key, text in show_records(firm, stage)),
        ("status", shown(stage, "status", firm.id), firm.id),
    ):
        assert sign in text, f"{name} is not what it should be"
        yield name, text


def show_letters(firm: Firm, stage: Stage) -> list[tuple[int, str]]:
    """Every dead letter of the tenant, with its traceback."""
    letters = run_json(dict(stage.composition.environ), "dead-letters", "list", firm.id)
    return [(one["id"], shown(stage, "dead-letters", "show", str(one["id"]))) for one in letters]


def show_records(firm: Firm, stage: Stage) -> list[tuple[str, str, str]]:
    """Every record of the tenant, with its history."""
    found = run_json(dict(stage.composition.environ), "records", "list", firm.id)
    keys = [(one["kind"], one["bill_id"]) for one in found]
    return [(kind, key, shown(stage, "records", "show", firm.id, kind, key)) for kind, key in keys]


def dump_database(conn: Conn) -> str:
    """Every column of every table, as text."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    tables = [row["table_name"] for row in conn.execute(query).fetchall()]
    assert {"records", "secrets", "events", "history", "dead_letters"} <= set(tables)
    rows = [row for table in tables for row in dump_table(conn, table)]
    return "\n".join(rows)


def dump_table(conn: Conn, table: str) -> list[str]:
    """The rows of a table, bytes decoded where they are text."""
    with conn.cursor(binary=False) as cursor:
        cursor.execute(b"SELECT * FROM " + identifier(table).as_bytes(conn))
        return [
            " ".join(
                value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
                for value in row.values()
            )
            for row in cursor
        ]


def dump_redis(stage: Stage) -> str:
    """Every key of Redis with its value."""
    found: list[str] = []
    with Redis.from_url(stage.composition.settings.redis_url) as redis:
        read: dict[bytes, Callable[[bytes], object]] = {
            b"string": redis.get,
            b"list": lambda key: redis.lrange(key, 0, -1),
            b"hash": redis.hgetall,
            b"set": redis.smembers,
            b"zset": lambda key: redis.zrange(key, 0, -1),
            b"stream": redis.xrange,
        }
        for key in redis.scan_iter():
            kind = redis.type(key)
            found.append(repr((key, read[kind](key) if kind in read else kind)))
    return "\n".join(found)


def list_processes(stage: Stage) -> str:
    """The command lines of the fleet."""
    pids = [stage.fleet.pid(name) for name in ("web", "worker", "beat", "flower")]
    return "\n".join(" ".join(psutil.Process(pid).cmdline()) for pid in pids)


def ask_flower(stage: Stage, path: str) -> str:
    """A page or an answer of Flower, as its operator sees it."""
    password = stage.composition.environ["FLOWER_BASIC_AUTH"].partition(":")[2]
    answer = requests.get(f"{stage.addresses.flower_url}{path}", auth=(FLOWER_USER, password), timeout=20)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.text


def shown(stage: Stage, *words: str) -> str:
    """What a reading command prints."""
    return json.dumps(run_json(dict(stage.composition.environ), *words), ensure_ascii=False)
