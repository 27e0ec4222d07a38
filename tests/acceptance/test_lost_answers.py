"""Creates whose answer is lost: Visma has no idempotency key, and still nothing comes twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.firm import Firm
from tests.command_line import run_json

pytestmark = pytest.mark.acceptance

CAP_S = 3
"""How long Visma may go on with a request that nobody waits for, in these tests."""

ANSWERS: dict[str, tuple[dict[str, Any], int]] = {
    "the connection breaks after the effect": ({"kind": "drop", "when": "after"}, 1),
    "a server error after the effect": ({"kind": "status", "status": 500, "when": "after"}, 1),
    "the connection breaks before the effect": ({"kind": "drop", "when": "before"}, 2),
}


@pytest.mark.parametrize(("fault", "posts"), ANSWERS.values(), ids=ANSWERS)
def test_a_create_whose_answer_is_lost_makes_one_document(
    firm: Firm, fault: dict[str, Any], posts: int
) -> None:
    firm.apply(limits=f"visma_request_cap_s = {CAP_S}")
    firm.control.add_fault(**fault, system="visma", tenant=firm.company, method="POST", route="supplier$")
    firm.control.add_fault(**fault, system="visma", tenant=firm.company, method="POST", route="Invoice$")
    vendor_id = firm.create_vendor()
    bill_id = firm.create_bill(vendor_id, "F-1")
    firm.settle("vendor", vendor_id)
    firm.settle("bill", bill_id)

    assert [(kind, entity) for kind, entity, _ in firm.effects()] == [
        ("created", "supplier"),
        ("created", "supplierInvoice"),
    ]
    assert firm.calls()["POST /v1/supplier"] == posts
    assert firm.calls()["POST /v1/supplierInvoice"] == posts
    shown = run_json(dict(firm.stage.composition.environ), "records", "show", firm.id, "bill", bill_id)
    assert [entry["action"] for entry in shown["history"]] == ["created"]
    assert ("resolved by look-up" in (shown["history"][0]["detail"] or "")) == (posts == 1)
