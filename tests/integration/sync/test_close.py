"""``connector close`` on a ledger with planted differences: each is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.sync.conftest import MakeBench
from tests.support.bench import Bench
from tests.support.people import bill_line
from workers.close.compare import compare_month
from workers.close.gather import Gathering
from workers.close.models import Month, Proof

pytestmark = pytest.mark.integration

OCTOBER = Month.parse("2026-10")


def prove(bench: Bench, month: Month = OCTOBER) -> Proof:
    """What ``connector close`` finds."""
    config, context = bench.config, bench.context
    with bench.conn() as conn:
        gathering = Gathering(
            config, month, conn, context.bill(config), context.visma(config), context.clock, lambda _: None
        )
        return compare_month(gathering.gather())


def named(proof: Proof) -> dict[str, list[str]]:
    """What differs, by the bill's reference."""
    found: dict[str, list[str]] = {}
    for one in proof.differences:
        found.setdefault(one.reference or "?", []).append(one.what)
    return found


def kinds(proof: Proof) -> dict[str, list[str | None]]:
    """References of the notices, by their kind."""
    found: dict[str, list[str | None]] = {}
    for one in proof.notices:
        found.setdefault(one.kind, []).append(one.reference)
    return found


def october(bench: Bench, vendor: str, number: str = "F-1", *lines: Any, **fields: Any) -> str:
    """An approved bill of October that is entered, not yet carried over."""
    return bench.add_bill(vendor, number, *lines, **fields)


def number_of(bench: Bench, bill_id: str) -> str:
    return str(bench.record("bill", bill_id).visma_number)


def test_every_planted_difference_is_named_and_nothing_else(bench: Bench) -> None:
    vendor, other = bench.add_vendor(0), bench.add_vendor(1)
    names = (
        "equal", "amount", "supplier", "currency", "account", "segment", "reference", "date", "deleted",
        "voided", "doubled", "retyped", "archived", "split", "reversed", "credit",
    )  # fmt: skip
    bills = {name: october(bench, vendor, name, *PLANTED.get(name, ())) for name in names}
    late = october(bench, vendor, "late", approvalStatus="ASSIGNED")
    waiting = october(bench, vendor, "waiting", approvalStatus="ASSIGNED")
    stranger = bench.add_supplier(name="Fremde & Söhne")
    october(bench, other, "also equal")
    bench.sync()
    at = {name: number_of(bench, bill_id) for name, bill_id in bills.items()}
    _edit(bench, at, bills, stranger)
    bench.sandbox.approve_bill(bench.organization, late)  # nobody has looked since
    october(bench, other, "unseen")
    bench.sandbox.archive_bill(bench.organization, bills["archived"])

    proof = prove(bench)

    assert named(proof) == {
        "amount": ["amount"],
        "supplier": ["supplier"],
        "currency": ["currency"],
        "account": ["account of line 1"],
        "segment": ["segment 1 of line 1"],
        "reference": ["reference"],
        "date": ["date"],
        "deleted": ["missing in Visma"],
        "voided": ["missing in Visma"],
        "doubled": ["doubled"],
        "retyped": ["doubled"],
        "archived": ["status"],
        "split": ["amount of line 1", "amount of line 2"],
        "reversed": ["status"],
        "late": ["missing in Visma"],
        "unseen": ["missing in Visma"],
        "from nowhere": ["missing in BILL"],
    }
    assert sorted(side.reference or "" for side in proof.sides if side.verdict == "equal") == [
        "also equal", "credit", "equal",
    ]  # fmt: skip
    assert kinds(proof)["waiting"] == ["late", "waiting"]
    assert waiting in [one.bill_id for one in proof.notices]
    assert "not_compared" in kinds(proof)


PLANTED = {
    "split": (bill_line("700.00"), bill_line("550.00")),
    "credit": (bill_line("-400.00"),),
}


def _edit(bench: Bench, at: dict[str, str], bills: dict[str, str], stranger: str) -> None:
    """What people do in Visma behind our back."""
    supplier = bench.record("bill", bills["equal"]).body["header"]["supplierNumber"]  # type: ignore[index]
    bench.change_supplier(supplier, currencyOverride=True)
    line: Callable[..., Any] = lambda number=1, **fields: [  # noqa: E731 - reads as the body it makes
        {"operation": "Update", "lineNumber": number, **fields}
    ]
    bench.change_invoice(at["amount"], invoiceLines=line(unitCostInCurrency=Decimal("1200.00")))
    bench.change_invoice(at["supplier"], supplierNumber=stranger)
    bench.change_invoice(at["currency"], currencyId="EUR")
    bench.change_invoice(at["account"], invoiceLines=line(accountNumber="5410"))
    bench.change_invoice(
        at["segment"], invoiceLines=line(subaccount=[{"segmentId": 1, "segmentValue": "200"}])
    )
    bench.change_invoice(at["reference"], supplierReference="reference of another")
    bench.change_invoice(at["date"], date="2026-11-03")
    bench.change_invoice(
        at["split"],
        invoiceLines=[
            *line(1, unitCostInCurrency=Decimal("600.00")),
            *line(2, unitCostInCurrency=Decimal("650.00")),
        ],
    )
    sandbox, company = bench.sandbox, bench.company
    sandbox.delete_invoice(company, at["deleted"])
    sandbox.release_invoice(company, at["voided"])
    sandbox.void_invoice(company, at["voided"])
    sandbox.release_invoice(company, at["reversed"])
    sandbox.reverse_invoice(company, at["reversed"])
    bench.add_invoice(supplier, "doubled again", "1250.00", note=f"BILL:{bills['doubled']}")
    bench.add_invoice(supplier, "RETYPED", "1250.00")
    bench.add_invoice(supplier, "from nowhere", "99.00", note="BILL:00n01NOWHERE")
    bench.add_invoice(supplier, "not from BILL", "10.00")


def test_a_clean_month_is_equal_and_its_totals_agree(bench: Bench) -> None:
    swedish, german = bench.add_vendor(0), bench.add_vendor(1, billCurrency="EUR")
    october(bench, swedish, "S-1", bill_line("100.10"), bill_line("200.20", "5010"))
    october(bench, swedish, "S-2", bill_line("-50.00"))
    october(bench, german, "E-1")
    bench.add_bill(swedish, "of November", invoice={"invoiceNumber": "N-1", "invoiceDate": "2026-11-01"})
    bench.sync()
    proof = prove(bench)
    assert (named(proof), proof.matches) == ({}, 3)
    sums = [(one.currency, one.bill, one.visma, one.bills, one.documents) for one in proof.by_currency]
    assert sums == [
        ("EUR", Decimal("1250.00"), Decimal("1250.00"), 1, 1),
        ("SEK", Decimal("250.30"), Decimal("250.30"), 2, 2),
    ]
    assert {(one.currency, one.difference) for one in proof.by_supplier} == {("EUR", 0), ("SEK", 0)}
    assert sorted(kinds(proof)["not_released"]) == ["E-1", "S-1", "S-2"]


def test_both_systems_are_read_fresh(bench: Bench) -> None:
    """What our own rows think is beside the point: an old row, and one that never was, both do no harm."""
    vendor = bench.add_vendor()
    kept, lost = october(bench, vendor, "kept"), october(bench, vendor, "lost")
    bench.sync()
    with bench.conn() as conn:
        conn.execute("DELETE FROM records WHERE kind = 'bill' AND bill_id = %s", (lost,))
        conn.execute("UPDATE records SET content = NULL WHERE bill_id = %s", (kept,))
        conn.execute("UPDATE visma_index SET total = 1 WHERE kind = 'supplier_invoice'")
    proof = prove(bench)
    assert (named(proof), proof.matches) == ({}, 2)
    bench.change_lines(kept, bill_line("777.00"))
    assert named(prove(bench)) == {"kept": ["amount"]}


def test_a_bill_entered_long_before_its_month_is_found_by_our_rows(bench: Bench) -> None:
    """A list from 90 days before a month that is still to come shows nothing."""
    june = {"invoiceNumber": "early", "invoiceDate": "2027-06-15"}
    october(bench, bench.add_vendor(), invoice=june)
    bench.sync()
    proof = prove(bench, Month.parse("2027-06"))
    assert (named(proof), proof.matches) == ({}, 1)


def test_a_period_other_than_the_bills_is_a_notice_where_the_setting_allows_it(make_bench: MakeBench) -> None:
    bench = make_bench(sync={"closed_period": "next_open", "attachments": False})
    vendor = bench.add_vendor()
    bench.sandbox.set_period(bench.company, "202610", closed_in_supplier_ledger=True)
    october(bench, vendor, "late")
    bench.sync()
    proof = prove(bench)
    assert (named(proof), proof.matches) == ({}, 1)
    assert kinds(proof)["other_period"] == ["late"]
    november = prove(bench, Month.parse("2026-11"))
    assert (named(november), november.matches) == ({}, 0)
    assert kinds(november)["other_period"] == ["late"]


def test_a_broken_financial_year_changes_nothing(make_bench: MakeBench) -> None:
    bench = make_bench(company={"broken_year": True})
    october(bench, bench.add_vendor(), "broken")
    bench.sync()
    proof = prove(bench)
    assert (named(proof), proof.matches) == ({}, 1)
    assert bench.invoices()[0]["financialPeriod"] == "202704"


def test_what_is_held_is_missing_and_says_why(bench: Bench) -> None:
    vendor = bench.add_vendor()
    october(bench, vendor, "held", bill_line("10.00", department="999"))
    bench.sync()
    (one,) = prove(bench).differences
    assert (one.reference, one.what) == ("held", "missing in Visma")
    assert "unmapped_segment" in str(one.visma)
    assert kinds(prove(bench))["held"] == ["held"]


def test_a_document_that_a_person_entered_and_that_became_the_bills_is_equal(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bench.sync()
    supplier = str(bench.record("vendor", vendor).visma_number)
    bench.add_invoice(supplier, "adopted", "1250.00")
    bill = october(bench, vendor, "adopted")
    bench.sync()
    assert bench.history("bill", bill)[-1] == "adopted"
    proof = prove(bench)
    assert (named(proof), proof.matches) == ({}, 1)
    bench.sandbox.delete_invoice(bench.company, number_of(bench, bill))
    assert named(prove(bench)) == {"adopted": ["missing in Visma"]}


def test_an_approval_withdrawn_leaves_the_document_on_hold_and_no_difference(bench: Bench) -> None:
    vendor = bench.add_vendor()
    bill = october(bench, vendor, "withdrawn")
    bench.sync()
    bench.sandbox.withdraw_approval(bench.organization, bill)
    assert named(prove(bench)) == {"withdrawn": ["status"]}
    bench.force("bill", bill)
    proof = prove(bench)
    assert (named(proof), proof.matches) == ({}, 0)
    assert kinds(proof)["withdrawn"] == ["withdrawn"]


def test_lists_without_lines_are_made_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = bench.add_vendor()
    bill = october(bench, vendor, "lines")
    bench.sync()
    bench.change_invoice(
        number_of(bench, bill),
        invoiceLines=[{"operation": "Update", "lineNumber": 1, "accountNumber": "5410"}],
    )
    visma = bench.context.visma(bench.config)
    listed = visma.list_supplier_invoices

    def without_lines(**filters: Any) -> Any:
        page = listed(**filters)
        return replace(page, results=tuple(replace(one, lines=()) for one in page.results))

    monkeypatch.setattr(visma, "list_supplier_invoices", without_lines)
    assert named(prove(bench)) == {"lines": ["account of line 1"]}


def test_a_throttled_read_is_repeated(bench: Bench) -> None:
    october(bench, bench.add_vendor(), "throttled")
    bench.sync()
    tenants = {"bill": bench.organization, "visma": bench.company}
    for system, tenant in tenants.items():
        bench.sandbox.add_fault(
            "status", system=system, tenant=tenant, route="(bills|supplierInvoice)", status=429, retry_after=0
        )
    assert prove(bench).matches == 1
    assert [rule["applied"] for rule in bench.sandbox.faults()] == [1, 1]


def test_a_bill_that_cannot_be_read_is_no_proof(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = bench.add_vendor()
    october(bench, vendor, "fine")
    odd = october(bench, vendor, "odd")
    bench.sync()
    client = bench.context.bill(bench.config)
    listed = client.list_page

    def with_an_odd_one(*kinds: Any, **filters: Any) -> Any:
        page = listed(*kinds, **filters)
        rows = (
            replace(row, body={**row.body, "amount": "?"} if row.id == odd else row.body)
            for row in page.results
        )
        return replace(page, results=tuple(rows))

    monkeypatch.setattr(client, "list_page", with_an_odd_one)
    proof = prove(bench)
    assert [(one.bill_id, one.what) for one in proof.differences] == [(odd, "cannot be read")]
    assert proof.matches == 1
