"""``connector plan``: a dry run says line by line what the sync then does, and writes nothing."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from deploy.sandbox.jsonio import Json
from shared.store import records
from shared.store.records import Heard, Record
from shared.store.shadow import copy_tenant
from tests.command_line import run, run_json
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line

pytestmark = pytest.mark.integration

TABLES = ("records", "visma_index", "watermarks", "attachments", "dead_letters", "history", "links")
OF_STATE = {"synced": "none", "waiting": "wait", "pending": "wait", "held": "hold", "dead": "hold"}


def environ(bench: Bench) -> dict[str, str]:
    settings = bench.context.settings
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "CONNECTOR_MASTER_KEYS": "bench:" + base64.b64encode(b"b" * 32).decode(),
    }


def plan(bench: Bench) -> dict[tuple[str, str], Json]:
    """The plan's lines by kind and id; nothing may be written for them."""
    before, effects = dump(bench), bench.effects()
    bench.sandbox.reset_calls()
    lines = run_json(environ(bench), "plan", bench.tenant)
    calls = bench.sandbox.calls()["lines"]
    assert {line["method"] for line in calls if line["system"] == "visma"} == {"GET"}
    assert (dump(bench), bench.effects()) == (before, effects)
    found = {(line["kind"], line["bill_id"]): line for line in lines}
    assert len(found) == len(lines)
    keys = ["kind", "bill_id", "action", "reason", "visma_number", "changes"]
    assert all(list(line) == keys for line in lines)
    return found


def dump(bench: Bench) -> dict[str, list[str]]:
    """Every row of the connector's tables."""
    with bench.conn() as conn:
        return {
            table: [row["row"] for row in conn.execute(f"SELECT t::text AS row FROM {table} t ORDER BY 1")]  # noqa: S608
            for table in TABLES
        }


@dataclass
class Seen:
    """A record as the sync left it, and what its history says of that sync."""

    record: Record
    before: Record | None
    entries: list[Any]

    @property
    def actions(self) -> set[str]:
        return {entry["action"] for entry in self.entries}

    @property
    def changes(self) -> list[Json]:
        """What was written field by field: of a new document or supplier, all of it."""
        if "created" not in self.actions:
            return [change for entry in self.entries for change in entry["changes"]]
        body = self.record.body or {}
        if self.record.kind == "vendor":
            return [{"field": name, "before": None, "after": value} for name, value in body["fields"].items()]
        parts = [("", body["header"])]
        parts += [(f"line {number} ", line) for number, line in enumerate(body["lines"], 1)]
        return [
            {"field": prefix + name, "before": None, "after": value}
            for prefix, fields in parts
            for name, value in fields.items()
        ]

    @property
    def action(self) -> str:
        if "created" in self.actions:
            return "create"
        if "deleted" in self.actions:
            return "delete"
        if self.changes or "released" in self.actions:
            return "update"
        return {**OF_STATE, "ignored": "ignore"}[self.record.state]

    @property
    def number(self) -> str | None:
        if self.action in {"create", "delete"}:
            return self.before.visma_number if self.before else None
        return self.record.visma_number


def see(bench: Bench, run_sync: Any) -> dict[tuple[str, str], Seen]:
    """What a sync did to every record."""
    with bench.conn() as conn:
        known = {(one.kind, one.bill_id): one for one in records.list_records(conn, bench.tenant)}
        last = conn.execute("SELECT COALESCE(max(id), 0) AS id FROM history").fetchone()["id"]
    run_sync()
    with bench.conn() as conn:
        entries = conn.execute("SELECT * FROM history WHERE id > %s ORDER BY id", (last,)).fetchall()
        now = records.list_records(conn, bench.tenant)
    return {
        (one.kind, one.bill_id): Seen(
            one,
            known.get((one.kind, one.bill_id)),
            [row for row in entries if (row["kind"], row["bill_id"]) == (one.kind, one.bill_id)],
        )
        for one in now
    }


def sync(bench: Bench) -> None:
    """All that a sync comes to: polls, held records judged anew, and what waits for a vendor in trouble."""
    bench.sync()
    bench.pass_time(70)


def plain(changes: list[Json], unnumbered: set[str]) -> list[tuple[str, str, str]]:
    """Changes as texts in one order; what is not numbered yet is left out."""
    return sorted(
        (change["field"], str(change["before"]), str(change["after"]))
        for change in changes
        if change["field"] not in unnumbered
    )


def compare(planned: dict[tuple[str, str], Json], seen: dict[tuple[str, str], Seen]) -> None:
    """Every line of the plan beside what the sync did."""
    assert planned.keys() == seen.keys()
    for key, line in planned.items():
        did = seen[key]
        assert (key, line["action"]) == (key, did.action), (line, did.record.state, did.record.detail)
        assert (key, line["visma_number"]) == (key, did.number)
        assert all(list(change) == ["field", "before", "after"] for change in line["changes"])
        new = {change["field"] for change in line["changes"] if "(new" in str(change["after"])}
        assert new <= {"supplierNumber"}
        assert (key, plain(line["changes"], new)) == (key, plain(did.changes, new))
        if line["action"] == "hold":
            assert (key, line["reason"]) == (key, did.record.reason or "dead")
        if line["action"] in {"wait", "ignore"}:
            assert line["reason"] in {did.record.reason, did.record.detail}


def test_an_empty_organization_has_nothing_to_plan(bench: Bench) -> None:
    assert plan(bench) == {}
    shown = run(environ(bench), "plan", bench.tenant)
    assert (shown.exit_code, shown.stdout) == (0, "acme: no vendors and bills in BILL\n")


def enter_first_world(bench: Bench) -> dict[str, str]:
    """What a firm has in both systems before the connector is switched on; ids by a word for each."""
    ids: dict[str, str] = {}
    for place, name in enumerate(("new", "moving", "matched", "twin", "foreign", "settled", "idle")):
        ids[name] = bench.add_vendor(place)
    bench.sandbox.archive_vendor(bench.organization, ids["idle"])
    bench.change_vendor(
        ids["foreign"],
        address={"line1": "1 Main St", "city": "Reno", "zipOrPostalCode": "89501", "country": "US"},
    )
    bench.add_supplier(name="Annat namn", vatRegistrationId="SE556000000201", status="Active")
    for number in "12":
        bench.add_supplier(name=vendor_name(bench, ids["twin"]), corporateId=f"99{number}")
    bills: dict[str, tuple[str, Json]] = {
        "plain": ("new", {}),
        "lines": ("new", {"billLineItems": [bill_line("100.00"), bill_line("50.00", "5010", "200")]}),
        "credit": ("new", {"billLineItems": [bill_line("-80.00")]}),
        "matched bill": ("matched", {}),
        "of a twin": ("twin", {}),
        "from abroad": ("foreign", {}),
        "to move": ("moving", {}),
        "to delete": ("new", {}),
        "to withdraw": ("new", {}),
        "to edit": ("new", {}),
        "to release": ("new", {}),
        "to leave": ("settled", {}),
        "waiting": ("new", {"approvalStatus": "UNASSIGNED"}),
        "denied": ("new", {"approvalStatus": "DENIED"}),
        "archived": ("new", {}),
        "old": ("new", {"invoice": {"invoiceNumber": "F-old", "invoiceDate": "2025-12-31"}}),
        "zero": ("new", {"billLineItems": [bill_line("10.00"), bill_line("-10.00")]}),
        "no number": ("new", {"invoice": {"invoiceDate": "2026-10-31"}}),
        "unmapped": ("new", {"billLineItems": [bill_line("10.00", "4000", "300")]}),
    }
    for word, (vendor, extra) in bills.items():
        ids[word] = bench.add_bill(ids[vendor], f"F-{word}"[:20], **extra)
    bench.sandbox.archive_bill(bench.organization, ids["archived"])
    return ids


def vendor_name(bench: Bench, vendor_id: str) -> str:
    rows = bench.sandbox.organization_state(bench.organization, "vendors")
    return str(next(row["name"] for row in rows if row["id"] == vendor_id))


def change_world(bench: Bench, ids: dict[str, str]) -> None:
    """A week later people have changed this and that in both systems."""
    number = {word: bench.record("bill", ids[word]).visma_number or "" for word in ids if " " in word}
    bench.change_vendor(
        ids["new"],
        phone="+46 8 999",
        address={"line1": "Nya gatan 2", "city": "Lund", "zipOrPostalCode": "22222", "country": "SE"},
    )
    bench.change_vendor(ids["settled"], billCurrency="EUR")
    bench.change_vendor(ids["matched"], email="ny@example.com")
    bench.change_bill(ids["plain"], dueDate="2026-12-24", description="Ny text")
    bench.change_bill(ids["lines"], billLineItems=[bill_line("25.00")])
    bench.sandbox.archive_bill(bench.organization, ids["to delete"])
    bench.sandbox.withdraw_approval(bench.organization, ids["to withdraw"])
    bench.change_invoice(number["to edit"], dueDate="2026-12-01")
    bench.change_bill(ids["to edit"], dueDate="2026-12-02")
    bench.sandbox.release_invoice(bench.company, number["to release"])
    bench.change_bill(ids["to release"], dueDate="2026-12-03", billLineItems=[bill_line("1.00")])
    bench.change_bill(ids["to move"], vendorId=ids["new"])
    bench.sandbox.approve_bill(bench.organization, ids["waiting"])
    bench.sandbox.assign_bill(bench.organization, ids["denied"], ["lars"])
    supplier = bench.record("vendor", ids["new"]).visma_number or ""
    bench.add_invoice(supplier, "F-adopted", "1250.00")
    bench.add_invoice(supplier, "F-rival", "7.00")
    ids["adopted"] = bench.add_bill(ids["new"], "F-adopted")
    ids["rival"] = bench.add_bill(ids["new"], "F-rival")
    ids["late"] = bench.add_vendor(9)
    ids["of late"] = bench.add_bill(ids["late"], "F-late")
    ids["same"] = bench.add_bill(ids["late"], "F-late")


def test_a_plan_is_what_the_sync_then_does(bench: Bench) -> None:
    ids = enter_first_world(bench)
    first = plan(bench)
    compare(first, see(bench, lambda: sync(bench)))
    assert first["bill", ids["of a twin"]]["reason"] == "vendor_held"
    assert first["bill", ids["from abroad"]]["reason"] == "foreign_vat"
    assert first["bill", ids["unmapped"]]["reason"] == "unmapped_segment"
    assert first["vendor", ids["idle"]]["action"] == "ignore"

    change_world(bench, ids)
    second = plan(bench)
    compare(second, see(bench, lambda: sync(bench)))
    told = {word: second["bill" if ("bill", ids[word]) in second else "vendor", ids[word]] for word in ids}
    assert {word: line["action"] for word, line in told.items()} == {
        **dict.fromkeys(("new", "matched", "plain", "lines", "to withdraw"), "update"),
        **dict.fromkeys(("moving", "foreign", "settled", "credit", "matched bill", "adopted"), "none"),
        "to leave": "none",
        **dict.fromkeys(("late", "of late", "same", "to move", "waiting"), "create"),
        "to delete": "delete",
        **dict.fromkeys(("twin", "of a twin", "from abroad", "zero", "no number", "unmapped"), "hold"),
        **dict.fromkeys(("to edit", "to release", "rival"), "hold"),
        **dict.fromkeys(("archived", "old", "idle"), "ignore"),
        "denied": "wait",
    }
    assert told["settled"]["reason"] == "currencyId left as SEK in Visma, BILL has EUR"
    assert "deleted and created anew" in told["to move"]["reason"]
    assert (told["to edit"]["reason"], told["rival"]["reason"]) == ("edited_in_visma", "duplicate_reference")

    quiet = plan(bench)
    assert not [line for line in quiet.values() if line["action"] in {"create", "update", "delete"}]
    assert quiet["vendor", ids["settled"]]["reason"] == told["settled"]["reason"]


def test_a_release_and_a_dead_record_are_planned_too(make_bench: MakeBench) -> None:
    bench = make_bench({"settings": {"release_delay_s": 0}}, sync={"release_invoices": True})
    vendor = bench.add_vendor()
    released, dead = bench.add_bill(vendor, "F-1"), bench.add_bill(vendor, "F-2")
    compare(plan(bench), see(bench, lambda: sync(bench)))
    with bench.conn() as conn:
        conn.execute("UPDATE records SET state = 'dead', letter = 7 WHERE bill_id = %s", (dead,))
    bench.change_bill(dead, dueDate="2026-12-24")
    planned = plan(bench)
    assert planned["bill", released]["changes"] == [
        {"field": "status", "before": "Balanced", "after": "Open"}
    ]
    assert (planned["bill", dead]["action"], planned["bill", dead]["reason"]) == ("hold", "dead")
    compare(planned, see(bench, lambda: (sync(bench), sync(bench))))


def test_a_paused_tenant_is_planned_and_people_read_it(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = bench.add_bill(vendor, "F-1")
    with bench.conn() as conn:
        conn.execute("UPDATE tenants SET paused = true")
    shown = run(environ(bench), "plan", bench.tenant)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert f"create vendor {vendor}: " in shown.stdout
    assert f"create bill {bill}: F-1" in shown.stdout
    assert "    supplierReference: (none) -> F-1" in shown.stdout
    assert shown.stdout.endswith("acme: 2 to create\n")


def test_a_tenant_without_a_country_is_warned_of(make_bench: MakeBench) -> None:
    bench = make_bench(mapping={"country": None, "countries": {}})
    assert "mapping.country is left out" in run(environ(bench), "plan", bench.tenant).stderr


def test_a_system_that_does_not_answer_ends_the_plan_with_one_line(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr("workers.sync.plan.time.sleep", lambda _: None)
    bench.add_vendor()
    bench.store_credentials("visma", {"client_id": "isv_connector", "client_secret": "wrong"})
    result = run(environ(bench), "plan", bench.tenant)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "client id or secret" in result.stderr
    assert "connector credentials set acme visma" in result.stderr


def test_the_real_tables_cannot_be_written_beside_a_copy(bench: Bench) -> None:
    heard = Heard("vendor", "009A")
    dsn = bench.context.settings.database_url
    with copy_tenant(dsn, bench.tenant, name="test") as shadow, shadow.connection() as conn:
        records.make_due(conn, bench.tenant, [heard])
        assert records.find(conn, bench.tenant, "vendor", "009A") is not None
        for statement in ("DELETE FROM tenants", "DELETE FROM public.records"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                conn.execute(statement.encode())
    with bench.conn() as conn:
        assert records.find(conn, bench.tenant, "vendor", "009A") is None
