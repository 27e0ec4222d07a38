"""``connector mapping`` against both simulated systems."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from shared.tenant_file import parse_tenant
from tests.command_line import run, run_json
from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line
from tests.support.tenants import tenant_text

pytestmark = pytest.mark.integration

CENTRES = {value: value for value in ("000", "100", "200", "300")}
FITTING = {"segments": [{"segment": 1, "from": "departmentId", "values": CENTRES}]}


def environ(bench: Bench) -> dict[str, str]:
    settings = bench.context.settings
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "CONNECTOR_MASTER_KEYS": "bench:" + base64.b64encode(b"b" * 32).decode(),
    }


def findings(bench: Bench) -> list[tuple[str, str, int]]:
    """What the check found wrong: key, words, bills; it must fail for that."""
    result = run(environ(bench), "mapping", "check", bench.tenant, "--json")
    report = json.loads(result.stdout)
    wrong = [one for one in report["findings"] if one["level"] == "wrong"]
    assert (report["wrong"], result.exit_code) == (len(wrong), 1 if wrong else 0)
    return [(one["key"], one["what"], one["bills"]) for one in wrong]


def test_a_mapping_that_fits_both_systems_passes(make_bench: MakeBench) -> None:
    bench = make_bench(mapping=FITTING)
    result = run(environ(bench), "mapping", "check", bench.tenant)
    assert result.exit_code == 0, result.output
    assert "every BILL code has its counterpart" in result.stdout


def test_what_bills_use_and_visma_lacks_is_found_and_counted(make_bench: MakeBench) -> None:
    bench = make_bench(mapping={**FITTING, "account": None, "branch": "7", "suppliers": {"009A": "99999"}})
    vendor = bench.add_vendor()
    new = bench.sandbox.create_classification(
        bench.organization, "chart-of-accounts", {"name": "Nytt", "account": {"type": "EXPENSE"}}
    )
    line = bill_line("10", classifications={"chartOfAccountId": new["id"]})
    for number in range(2):
        bench.add_bill(vendor, f"F-{number}", line)
    bench.poll("bill")
    bench.sandbox.set_account(bench.company, "5010", active=False)
    found = {key: (what, bills) for key, what, bills in findings(bench)}
    assert found[f'mapping.accounts."{new["id"]}"'] == ("BILL's Nytt has no account in Visma", 2)
    assert "inactive" in found['mapping.accounts."5010"'][0]
    assert "not in Visma" in found["mapping.branch"][0]
    assert "99999" in found['mapping.suppliers."009A"'][0]


def test_a_country_left_out_is_warned_of_and_does_not_fail(make_bench: MakeBench) -> None:
    bench = make_bench(mapping={**FITTING, "country": None, "countries": {}})
    report = run_json(environ(bench), "mapping", "check", bench.tenant)
    assert [(one["level"], one["key"]) for one in report["findings"]] == [("warning", "mapping.country")]


def test_pasted_suggestions_pass_the_check(make_bench: MakeBench) -> None:
    empty: dict[str, Any] = {"accounts": {}, "segments": None, "account": None}
    bench = make_bench(mapping=empty)
    assert findings(bench) != []
    suggested = run(environ(bench), "mapping", "suggest", bench.tenant)
    assert suggested.exit_code == 0, suggested.stderr
    tables = {"mapping": {"account": None}}
    mapping = parse_tenant(tenant_text("acme", tables) + suggested.stdout, source="pasted").mapping
    bench.apply(replace(bench.config, mapping=mapping))
    assert findings(bench) == []
    assert sorted(mapping.accounts.values())[0] == "4000"
    assert mapping.segments[0].source == "departmentId"

    assert "nothing to suggest" in run(environ(bench), "mapping", "suggest", bench.tenant).stdout
    assert run_json(environ(bench), "mapping", "suggest", bench.tenant) == []
