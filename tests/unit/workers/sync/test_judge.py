"""Which bills: every rule, and what goes before what."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.workers.samples import CONFIG, VENDOR, bill, sync, vendor
from workers.sync.judge import is_paid, judge_bill, judge_synced_bill, judge_vendor

pytestmark = pytest.mark.unit

OLD = {"invoice_date": date(2025, 12, 31)}
ZERO = {"amount": Decimal("0.00")}


@pytest.mark.parametrize(
    ("fields", "decision", "reason"),
    [
        pytest.param({}, "go", None, id="approved"),
        pytest.param({"archived": True}, "ignored", None, id="archived"),
        pytest.param({"archived": True, "record_status": "DRAFT"}, "ignored", None, id="draft"),
        pytest.param({"record_status": "DRAFT_DELETED"}, "ignored", None, id="deleted draft"),
        pytest.param(OLD, "ignored", None, id="invoice date before bills_since"),
        pytest.param({"invoice_date": date(2026, 1, 1)}, "go", None, id="on bills_since"),
        pytest.param({"invoice_date": None}, "go", None, id="no invoice date: the mapping tells"),
        pytest.param({"approval_status": "ASSIGNED"}, "waiting", None, id="not yet approved"),
        pytest.param({"approval_status": "SOMETHING_NEW"}, "waiting", None, id="unknown status"),
        pytest.param({"approval_status": None}, "waiting", None, id="no status"),
        pytest.param({"approval_status": "DENIED"}, "ignored", None, id="denied"),
        pytest.param(ZERO, "held", "zero_amount", id="total zero"),
        pytest.param({"archived": True, **ZERO}, "ignored", None, id="archived before zero"),
        pytest.param({"approval_status": "DENIED", **ZERO}, "ignored", None, id="denied before zero"),
        pytest.param({"approval_status": "APPROVING", **ZERO}, "waiting", None, id="waiting before zero"),
        pytest.param({"approval_status": "APPROVING", **OLD}, "ignored", None, id="date before waiting"),
    ],
)
def test_a_bill_that_is_not_in_visma(fields: dict[str, Any], decision: str, reason: str | None) -> None:
    verdict = judge_bill(bill(**fields), CONFIG)
    assert (verdict.decision, verdict.reason) == (decision, reason)
    assert verdict.decision == "go" or verdict.detail


def test_unassigned_counts_as_approved_where_the_tenant_says_so() -> None:
    config = sync(approval_statuses=("APPROVED", "UNASSIGNED"))
    assert judge_bill(bill(approval_status="UNASSIGNED"), config).decision == "go"
    assert judge_bill(bill(approval_status="UNASSIGNED"), CONFIG).decision == "waiting"


PAID = {"archived": True, "payment_status": "PAID"}


@pytest.mark.parametrize(
    ("fields", "released", "kind", "reason"),
    [
        pytest.param({}, False, "keep", None, id="still approved"),
        pytest.param({}, True, "keep", None, id="still approved, released"),
        pytest.param({"approval_status": "ASSIGNED"}, False, "put_on_hold", None, id="withdrawn"),
        pytest.param({"approval_status": "DENIED"}, False, "put_on_hold", None, id="denied"),
        pytest.param(
            {"approval_status": "ASSIGNED"}, True, "hold_record", "invoice_released", id="withdrawn, released"
        ),
        pytest.param(
            {"approval_status": "DENIED"}, True, "hold_record", "invoice_released", id="denied, released"
        ),
        pytest.param({"archived": True}, False, "delete", None, id="archived, unreleased and unpaid"),
        pytest.param({"record_status": "DRAFT"}, False, "delete", None, id="a draft again"),
        pytest.param({"archived": True}, True, "hold_record", "invoice_released", id="archived, released"),
        pytest.param(PAID, False, "hold_record", "archived_paid", id="archived, paid"),
        pytest.param(PAID, True, "hold_record", "archived_paid", id="archived, paid and released"),
        pytest.param(
            {"archived": True, "scheduled_amount": Decimal(1)},
            False,
            "hold_record",
            "archived_paid",
            id="archived, scheduled",
        ),
        pytest.param(
            {"archived": True, "approval_status": "DENIED"}, False, "delete", None, id="archived and denied"
        ),
        pytest.param(OLD, False, "keep", None, id="dated back before bills_since"),
    ],
)
def test_a_bill_that_is_in_visma(
    fields: dict[str, Any], released: bool, kind: str, reason: str | None
) -> None:
    action = judge_synced_bill(bill(**fields), CONFIG, released)
    assert (action.kind, action.reason) == (kind, reason)
    assert action.kind == "keep" or action.detail


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({"payment_status": "UNPAID"}, False),
        ({"payment_status": "UNDEFINED"}, False),
        ({"payment_status": None}, False),
        ({"payment_status": "PARTIALLY_PAID"}, True),
        ({"payment_status": "SCHEDULED"}, True),
        ({"payment_status": "NEVER_SEEN"}, True),
        ({"paid_amount": Decimal("0.01")}, True),
    ],
)
def test_is_paid(fields: dict[str, Any], paid: bool) -> None:
    assert is_paid(bill(**fields)) is paid


def test_vendors_go_and_an_archived_one_that_nobody_needs_does_not() -> None:
    assert judge_vendor(VENDOR, CONFIG, needed=False).decision == "go"
    assert judge_vendor(vendor(archived=True), CONFIG).decision == "go"
    assert judge_vendor(vendor(archived=True), CONFIG, needed=False).decision == "ignored"
