"""What operators do, by the command ``connector`` as a process: from an empty tenant to a backfill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.stage import Stage
from shared.store.pool import Conn
from tests.acceptance.firm import Firm, amounts

pytestmark = pytest.mark.acceptance


@pytest.fixture
def newcomer(stage: Stage, conn: Conn, tmp_path: Path) -> Firm:
    """A client that uses BILL and Visma already, and is no tenant yet."""
    firm = Firm(stage, conn, 800, tmp_path)
    firm.found()
    return firm


def test_a_tenant_is_set_up_and_backfilled_by_commands_alone(newcomer: Firm, stage: Stage) -> None:
    vendor_id = newcomer.create_vendor()
    for number in range(1, 4):
        newcomer.create_bill(vendor_id, f"F-{number}", f"{number}00.00")
    unwanted = newcomer.create_bill(vendor_id, "F-4", approvalStatus="DENIED")

    stage.connector("tenant", "apply", str(newcomer.write_file()))
    for system, secret in newcomer.credentials.items():
        stage.connector("credentials", "set", newcomer.id, system, given=json.dumps(secret))
    stage.connector("sync", newcomer.id, "--wait")

    assert amounts(newcomer.invoices()) == [("F-1", "100.00"), ("F-2", "200.00"), ("F-3", "300.00")]
    assert len(newcomer.suppliers()) == 1
    (status,) = stage.ask("status", newcomer.id)
    assert (status["tenant"], status["dead_letters"], status["held"]) == (newcomer.id, 0, 0)
    newcomer.settle("bill", unwanted, "ignored")
    planned = {(line["kind"], line["bill_id"]): line["action"] for line in stage.ask("plan", newcomer.id)}
    assert planned.pop(("bill", unwanted)) == "ignore"
    assert (len(planned), set(planned.values())) == (4, {"none"})
    assert {check["state"] for check in stage.ask("ping", newcomer.id)} == {"ok", "warning"}
    newcomer.pause()
    assert "paused" in stage.connector("sync", newcomer.id, "--wait", fails=True)
