"""Bills that a person has to settle first: the reason, and words that say what to do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.bill.models import BillLine
from shared.errors import NeedsPerson
from shared.tenants import SegmentMapping
from shared.visma.models import Segment
from tests.unit.workers.samples import (
    LISTS,
    bill,
    body,
    draft,
    mapping,
    month,
    one_line,
    sync,
    vendor,
    visma_lists,
)
from workers.mapping.codes import Codes, unknown_code_keys

pytestmark = pytest.mark.unit

DEPOT = one_line(classifications={"departmentId": "0de-depot"})
NO_DEFAULT = mapping(segments=(SegmentMapping(1, "departmentId", {}),))


def account(**flags: bool) -> dict[str, Any]:
    """Visma's lists where account 4000 has other flags."""
    changed = replace(LISTS.accounts["4000"], **flags)  # type: ignore[arg-type]
    return {"visma": visma_lists(accounts={**LISTS.accounts, "4000": changed})}


@pytest.mark.parametrize(
    ("reason", "arguments", "words"),
    [
        pytest.param("zero_amount", {"of": one_line("0.00")}, ["zero", "BILL"], id="total zero"),
        pytest.param("missing_reference", {"of": bill(invoice_number=None)}, ["invoice number"], id="none"),
        pytest.param("missing_reference", {"of": bill(invoice_number=" \t")}, ["invoice number"], id="blank"),
        pytest.param("period_missing", {"of": bill(invoice_date=None)}, ["no invoice date"], id="no date"),
        pytest.param(
            "period_missing", {"visma": visma_lists(periods=(month(4),))}, ["2026-03-15"], id="no period"
        ),
        pytest.param(
            "period_closed",
            {"visma": visma_lists(periods=(month(3, closed=True), month(4)))},
            ["202603", "closed", "next_open"],
            id="closed",
        ),
        pytest.param(
            "period_closed",
            {"visma": visma_lists(periods=(month(3, active=False),))},
            ["not active"],
            id="inactive",
        ),
        pytest.param(
            "period_closed",
            {
                "config": sync(closed_period="next_open"),
                "visma": visma_lists(periods=(month(2), month(3, closed=True), month(4, closed=True))),
            },
            ["no later period"],
            id="no later period is open",
        ),
        pytest.param(
            "foreign_vat",
            {"by": vendor(country="US")},
            ["[mapping.countries.US]"],
            id="no entry for the country",
        ),
        pytest.param(
            "unknown_currency", {"by": vendor(bill_currency="XTS")}, ["XTS"], id="Visma does not know it"
        ),
        pytest.param(
            "currency_mismatch", {"currency": "EUR"}, ["SEK", "EUR", "50001"], id="supplier's is fixed"
        ),
        pytest.param(
            "unmapped_account",
            {"config": mapping(account=None, accounts={})},
            ["line 1", "Rent", "6100", "line 2", "mapping.account"],
            id="no mapping and no default, every line named",
        ),
        pytest.param(
            "unmapped_segment",
            {"of": DEPOT, "config": NO_DEFAULT},
            ["segment 1", "Depot", "default"],
            id="no value and no default",
        ),
        pytest.param("inactive_account", account(active=False), ["4000", "inactive"], id="inactive"),
        pytest.param("inactive_account", account(control=True), ["by hand"], id="control account"),
        pytest.param(
            "inactive_account", account(allow_manual_entry=False), ["by hand"], id="no manual entry"
        ),
        pytest.param(
            "inactive_account",
            {"visma": visma_lists(accounts={})},
            ["not in Visma", "5010"],
            id="no such account",
        ),
        pytest.param(
            "unknown_segment_value",
            {"config": mapping(segments=(SegmentMapping(1, "jobId", {}, "300"),))},
            ["300", "Avdeling"],
            id="no such value",
        ),
        pytest.param(
            "unknown_segment_value",
            {"config": mapping(segments=(SegmentMapping(1, "jobId", {}, "900"),))},
            ["inactive"],
            id="inactive value",
        ),
        pytest.param(
            "unknown_segment_value",
            {"visma": visma_lists(segments={})},
            ["no segment 1"],
            id="no such segment",
        ),
        pytest.param(
            "unknown_vat_category", {"config": mapping(vat_category="77")}, ["77", "unknown"], id="unknown"
        ),
        pytest.param(
            "unknown_vat_category", {"config": mapping(vat_category="99")}, ["99", "inactive"], id="inactive"
        ),
        pytest.param(
            "amount_mismatch", {"of": bill(amount=Decimal("125.01"))}, ["125.00", "125.01"], id="one cent off"
        ),
        pytest.param("amount_mismatch", {"of": bill(lines=())}, ["no lines"], id="no lines"),
        pytest.param(
            "amount_mismatch",
            {"of": bill(amount=Decimal("0.02"), lines=(BillLine(None, Decimal("0.005")),) * 4)},
            ["0.04", "0.02"],
            id="lines finer than the currency, as Visma will round them",
        ),
        pytest.param(
            "amount_mismatch", {"of": bill(amount=Decimal("1E+300"))}, ["too many digits"], id="absurd amount"
        ),
    ],
)
def test_held(reason: str, arguments: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(NeedsPerson) as caught:
        draft(**arguments)
    assert caught.value.reason == reason
    assert [word for word in words if word not in caught.value.detail] == []
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize("currency", [None, "SEK"], ids=["free", "the same"])
def test_a_supplier_that_takes_the_currency(currency: str | None) -> None:
    assert draft(currency=currency).currency == "SEK"


def test_free_text_is_allowed_where_visma_does_not_validate_the_segment() -> None:
    free = visma_lists(segments={1: Segment(1, "Projekt", False, {"900": False})})
    named = mapping(segments=(SegmentMapping(1, "departmentId", {}, "anything"),))
    assert draft(config=named, visma=free).lines[0]["subaccount.1"] == "anything"


def test_decimals_beyond_the_smallest_unit_do_not_hold_what_is_equal_in_it() -> None:
    yen = vendor(bill_currency="JPY")
    assert draft(one_line("125.000"), by=yen).total == 125


def test_a_vendor_of_an_unmapped_country_goes_where_no_home_country_is_set() -> None:
    assert (
        draft(by=vendor(country="US"), config=mapping(country=None)).header["taxCalculationMode"] == "Gross"
    )


def test_a_closed_period_holds_a_change_of_what_was_written() -> None:
    written = body(draft())
    closed = visma_lists(periods=(month(3, closed=True), month(4)))
    with pytest.raises(NeedsPerson, match="period_closed"):
        draft(bill(description="changed"), visma=closed, written=written)


def test_ids_that_bills_lists_do_not_know_are_told_by_list() -> None:
    of = one_line(classifications={"chartOfAccountId": "0ca-new", "jobId": "job-1", "customerId": "0cu-1"})
    known = replace(of, classifications={"departmentId": "0de-sales"})
    codes = Codes({"departmentId": {}, "jobId": {}})
    assert unknown_code_keys(of, codes) == {"chartOfAccountId", "jobId"}
    assert unknown_code_keys(known, codes) == {"chartOfAccountId", "jobId", "departmentId"}
