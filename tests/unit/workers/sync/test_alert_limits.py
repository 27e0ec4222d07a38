from __future__ import annotations

from dataclasses import replace

import pytest

from shared.store.alerts import Measured
from shared.store.tenants import TenantRow
from shared.tenants import AlertsConfig
from tests.support.tenants import tenant_config
from workers.sync.alerts import ACTIONS, find_standing

pytestmark = pytest.mark.unit

ROW = TenantRow(
    replace(tenant_config("acme", {}), alerts=AlertsConfig(lag_s=60, dead_letters=2, held=3)), False, None
)
WELL = Measured(lag_s=59.0, dead_letters=1, held=2)


def test_below_its_limits_a_tenant_is_well() -> None:
    assert find_standing(ROW, WELL, {"bill": False, "visma": False}) == {}


@pytest.mark.parametrize(
    ("measured", "what"),
    [
        (replace(WELL, lag_s=60.0), "lag"),
        (replace(WELL, dead_letters=2), "dead_letters"),
        (replace(WELL, held=3), "held"),
    ],
)
def test_a_limit_that_is_reached_is_crossed(measured: Measured, what: str) -> None:
    assert list(find_standing(ROW, measured, {})) == [what]


def test_circuits_are_told_by_system() -> None:
    standing = find_standing(ROW, WELL, {"bill": True, "visma": True})
    assert list(standing) == ["circuit_bill", "circuit_visma"]
    assert set(ACTIONS) >= set(standing)


def test_what_waits_because_a_person_paused_it_is_no_alert() -> None:
    late = replace(WELL, lag_s=6000.0, held=3)
    assert list(find_standing(replace(ROW, paused=True), late, {})) == ["held"]
    assert list(find_standing(replace(ROW, suspended="bill: refused"), late, {})) == ["lag", "held"]
