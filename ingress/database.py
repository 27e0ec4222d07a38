"""What the ingress asks the database: the webhook keys, and the state of the fleet for the metrics.

Everything is asked with short timeouts, so that no web thread waits on a database that hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import product
from typing import Final

from ingress.keys import TenantKeys, tenant_keys
from shared.bill.webhook_keys import SECRET_KIND
from shared.circuit import Circuits
from shared.errors import Retryable
from shared.metrics import FleetState
from shared.store import dead_letters, records
from shared.store.pool import Conn, Pool
from shared.store.secrets import list_secrets
from shared.store.tenants import list_tenants
from shared.store.watermarks import list_watermarks
from shared.vault import Vault

CONNECTION_TIMEOUT_S: Final = 1.0
KINDS: Final = ("vendor", "bill")
POLLED: Final = ("bill", "visma")
"""The lists that are polled for changes; a sweep or the waiting bills have the same kinds at other times."""

STATEMENT_TIMEOUT_MS: Final = 2_000


def load_tenant_keys(pool: Pool, vault: Vault, now: Callable[[], datetime]) -> dict[str, TenantKeys]:
    """The webhook keys of all tenants. Raises psycopg's errors when the database does not answer."""
    with _hurried(pool) as conn:
        return tenant_keys(list_tenants(conn), list_secrets(conn, SECRET_KIND), vault, now())


def fetch_fleet_state(pool: Pool, circuits: Circuits) -> FleetState:
    """What the metrics show of the database. Raises psycopg's errors when it does not answer.

    Every tenant has a lag and a count of dead letters, if it is zero.
    """
    with _hurried(pool) as conn:
        known = [row.config.id for row in list_tenants(conn)]
        counts, lags = records.count_by_state(conn), records.measure_lag(conn)
        letters = dead_letters.count_open(conn)
        polls = [row for row in list_watermarks(conn) if row["source"] in POLLED]
    return FleetState(
        records={(row["tenant"], row["kind"], row["state"]): row["count"] for row in counts},
        lag_s=dict.fromkeys(product(known, KINDS), 0.0)
        | {(row["tenant"], row["kind"]): row["lag_s"] for row in lags},
        dead_letters=dict.fromkeys(known, 0) | letters,
        polled_at={
            (row["tenant"], row["kind"]): row["last_complete_at"] for row in polls if row["last_complete_at"]
        },
        circuit_open=_find_circuits(circuits, known),
    )


def _find_circuits(circuits: Circuits, tenants: list[str]) -> dict[tuple[str, str], bool]:
    try:
        return circuits.find_open(tenants)
    except Retryable:  # Redis is away, which the probes tell; what the database knows is shown
        return {}


def check_database(pool: Pool) -> None:
    """Raises psycopg's errors when the database does not answer."""
    with _hurried(pool) as conn:
        conn.execute("SELECT 1")


@contextmanager
def _hurried(pool: Pool) -> Iterator[Conn]:
    with pool.connection(timeout=CONNECTION_TIMEOUT_S) as conn, conn.transaction():
        conn.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
        yield conn
