"""Tells operators once when a tenant crosses one of its ``[alerts]`` limits, and when that is over.

One log line and one Sentry message each, under a stable action: ``alert.lag``, ``alert.dead_letters``,
``alert.held``, ``alert.circuit``; ``alert.healed`` in the log once it is over. What was told stands in
PostgreSQL, so that any number of ticks and restarts tell it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared import logs, sentry
from shared.circuit import Circuits
from shared.store import alerts, tenants
from shared.store.alerts import Measured
from shared.store.pool import Conn, Pool
from shared.store.tenants import TenantRow

CHECK_S: Final = 30.0
CALM_S: Final = 300.0
"""A value must stay below its limit for so long before the alert is over; records held, for one, are
pending for a moment whenever they are judged anew."""

ACTIONS: Final = {
    "lag": "alert.lag",
    "dead_letters": "alert.dead_letters",
    "held": "alert.held",
    "circuit_bill": "alert.circuit",
    "circuit_visma": "alert.circuit",
}
_NAMES: Final = {"bill": "BILL", "visma": "Visma"}

log = logs.get_logger(__name__)


def check_alerts(pool: Pool, circuits: Circuits) -> int:
    """Look at every tenant whose turn it is; how many alerts were raised.

    It is told before it is noted for good: a crash in between repeats an alert and loses none.
    """
    raised = 0
    with pool.connection() as conn:
        for tenant in alerts.take_due(conn, every_s=CHECK_S):
            with conn.transaction():
                raised += _check(conn, circuits, tenant)
    return raised


def find_standing(row: TenantRow, measured: Measured, is_open: Mapping[str, bool]) -> dict[str, str]:
    """What crosses the tenant's limits, with a line for people; ``is_open`` by system.

    Work that waits because a person paused the tenant is no alert.
    """
    limits, tenant = row.config.alerts, row.config.id
    standing = {}
    if measured.lag_s >= limits.lag_s and not row.paused:
        standing["lag"] = f"the oldest work waits for {measured.lag_s:.0f} s (limit {limits.lag_s})"
    if measured.dead_letters >= limits.dead_letters:
        standing["dead_letters"] = (
            f"{measured.dead_letters} dead letters (limit {limits.dead_letters}): "
            f"connector dead-letters list {tenant}"
        )
    if measured.held >= limits.held:
        standing["held"] = (
            f"{measured.held} records are held (limit {limits.held}): "
            f"connector records list {tenant} --state held"
        )
    for system, name in _NAMES.items():
        if is_open.get(system):
            standing[f"circuit_{system}"] = f"{name} does not answer: one call at a time tries again"
    return standing


def _check(conn: Conn, circuits: Circuits, tenant: str) -> int:
    row = tenants.get_tenant(conn, tenant)
    is_open = {system: value for (_, system), value in circuits.find_open([tenant]).items()}
    standing = find_standing(row, alerts.measure(conn, tenant), is_open)
    news = alerts.raise_alerts(conn, tenant, standing)
    for what in news:
        _tell(tenant, what, standing[what])
    for what in alerts.heal_alerts(conn, tenant, standing, calm_s=CALM_S):
        log.info("alert is over", action="alert.healed", tenant=tenant, what=what)
    return len(news)


def _tell(tenant: str, what: str, detail: str) -> None:
    action = ACTIONS[what]
    log.warning("alert", action=action, tenant=tenant, what=what, detail=detail)
    sentry.send_message(
        f"{tenant}: {detail}", group=("alert", tenant, what), tags={"tenant": tenant, "action": action}
    )
