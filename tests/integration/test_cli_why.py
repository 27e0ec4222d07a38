"""``status`` and ``records`` tell an accountant why a record is not in Visma, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from shared.store import records, tenants, visma_index
from shared.store.pool import Conn, connect
from shared.store.record_models import Due, Finish, Heard, Urgency
from shared.store.visma_index import Entry
from shared.tenant_file import parse_tenant
from tests.command_line import MASTER_KEYS, TENANT_FILE, run, run_json
from workers.cli.reasons import PAUSED, REASONS, STATES, SUSPENDED, WAITS

pytestmark = pytest.mark.integration

WRITTEN = Finish(
    "synced",
    visma_type="Invoice",
    visma_number="000357",
    visma_etag="etag-1",
    body={"origin": "created"},
)
SHOWN = Entry(
    "acme",
    "supplier_invoice",
    "Invoice",
    "000357",
    "Balanced",
    "etag-1",
    currency="SEK",
    total=Decimal("12.50"),
)


@pytest.fixture
def environ(store_dsn: str) -> dict[str, str]:
    return {
        "DATABASE_URL": store_dsn,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
    }


@pytest.fixture
def conn(store_dsn: str) -> Iterator[Conn]:
    with connect(store_dsn, name="test") as conn:
        tenants.apply_tenant(conn, parse_tenant(TENANT_FILE.format(id="acme"), source="test"))
        yield conn


def settle(conn: Conn, bill_id: str, finish: Finish, kind: records.Kind = "bill") -> None:
    """A record that came to this end; its vendor is 009v1."""
    records.make_due(conn, "acme", [Heard(kind, bill_id, vendor_id="009v1" if kind == "bill" else None)])
    claimed = records.claim(conn, Due("acme", kind, bill_id, Urgency.WEBHOOK))
    assert claimed is not None
    records.finish(conn, claimed, finish)


def test_every_reason_is_told_with_what_to_do_next(environ: dict[str, str], conn: Conn) -> None:
    for reason in REASONS:
        for place in "ab":
            settle(conn, f"00n-{reason}-{place}", Finish("held", reason=reason, detail=f"line {place} of it"))
    told = {one["reason"]: one for one in run_json(environ, "status", "acme")[0]["reasons"]}
    status, listed = (run(environ, *words, "acme").stdout for words in (("status",), ("records", "list")))
    assert told.keys() == REASONS.keys()
    for reason, advice in REASONS.items():
        assert (told[reason]["kind"], told[reason]["state"], told[reason]["count"]) == ("bill", "held", 2)
        assert told[reason]["meaning"] == advice.meaning
        assert "TENANT" not in told[reason]["next"]
        for text in (status, listed):
            assert advice.meaning in text and told[reason]["next"] in text
    assert "line a of it" in listed and "line b of it" in listed
    for reason in ("vendor_held", "no_supplier"):
        shown = run_json(environ, "records", "show", "acme", "bill", f"00n-{reason}-a")
        assert shown["meaning"] == REASONS[reason].meaning
        assert "009v1" in shown["next"] and "VENDOR_ID" not in shown["next"]
        assert shown["next"] in run(environ, "records", "show", "acme", "bill", f"00n-{reason}-a").stdout


def test_what_is_ignored_or_waits_is_told_by_what_bill_says(environ: dict[str, str], conn: Conn) -> None:
    for number, detail in enumerate(["denied in BILL", "denied in BILL", "archived in BILL"]):
        settle(conn, f"00n{number}", Finish("ignored", detail=detail))
    settle(conn, "00n7", Finish("waiting", detail="approval status in BILL: ASSIGNED"))
    settle(conn, "009v1", Finish("synced"), kind="vendor")
    reasons = run_json(environ, "status", "acme")[0]["reasons"]
    assert [(one["state"], one["detail"], one["count"]) for one in reasons] == [
        ("waiting", "approval status in BILL: ASSIGNED", 1),
        ("ignored", "denied in BILL", 2),
        ("ignored", "archived in BILL", 1),
    ]
    text = run(environ, "status", "acme").stdout
    assert "2 bills" in text and "1 bill " in text
    assert STATES["waiting"].next_step in text


def test_what_a_pending_bill_waits_for_is_told(environ: dict[str, str], conn: Conn) -> None:
    for reason in WAITS:
        records.make_due(conn, "acme", [Heard("bill", f"00n-{reason}")])
        conn.execute("UPDATE records SET reason = %s WHERE bill_id = %s", (reason, f"00n-{reason}"))
    reasons = run_json(environ, "status", "acme")[0]["reasons"]
    assert {one["reason"]: one["meaning"] for one in reasons} == {
        reason: advice.meaning for reason, advice in WAITS.items()
    }


def test_a_tenant_that_does_not_work_is_the_reason(environ: dict[str, str], conn: Conn) -> None:
    records.make_due(conn, "acme", [Heard("bill", "00n1")])
    tenants.suspend(conn, "acme", "bill: BILL refuses the user name or password")
    assert run_json(environ, "records", "show", "acme", "bill", "00n1")["meaning"] == SUSPENDED.meaning
    tenants.set_paused(conn, "acme", paused=True)
    shown = run_json(environ, "records", "show", "acme", "bill", "00n1")
    assert shown["meaning"] == PAUSED.meaning
    assert "connector tenant resume acme" in shown["next"]
    assert "connector tenant resume acme" in run(environ, "records", "list", "acme").stdout


@pytest.mark.parametrize(
    ("finish", "entry", "line"),
    [
        (WRITTEN, SHOWN, "Balanced, 12.50 SEK, entered by the connector"),
        (
            WRITTEN,
            replace(SHOWN, etag="etag-2", status="Hold"),
            "Hold, 12.50 SEK, entered by the connector, changed there since we last wrote it",
        ),
        (replace(WRITTEN, body={"origin": "adopted"}), SHOWN, "Balanced, 12.50 SEK, entered by a person"),
    ],
)
def test_what_people_entered_or_edited_in_visma_is_shown(
    environ: dict[str, str], conn: Conn, finish: Finish, entry: Entry, line: str
) -> None:
    settle(conn, "00n1", finish)
    assert run_json(environ, "records", "show", "acme", "bill", "00n1")["in_visma"] is None
    visma_index.put_entries(conn, [entry])
    shown = run_json(environ, "records", "show", "acme", "bill", "00n1")["in_visma"]
    assert shown["changed_in_visma"] == (entry.etag != "etag-1")
    facts = run(environ, "records", "show", "acme", "bill", "00n1").stdout.splitlines()
    assert [text.removeprefix("there").strip() for text in facts if text.startswith("there")] == [line]
    assert run_json(environ, "status", "acme")[0]["reasons"] == []
    assert "not in Visma" not in run(environ, "status", "acme").stdout
