"""What the ingress asks the database: the webhook keys, and the state of the fleet for the metrics.

Everything is asked with short timeouts, so that no web thread waits on a database that hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from ingress.keys import TenantKeys, tenant_keys
from shared.bill.webhook_keys import SECRET_KIND
from shared.metrics import FleetState
from shared.store import dead_letters, records
from shared.store.pool import Conn, Pool
from shared.store.secrets import list_secrets
from shared.store.tenants import list_tenants
from shared.store.watermarks import list_watermarks
from shared.vault import Vault

CONNECTION_TIMEOUT_S: Final = 1.0
STATEMENT_TIMEOUT_MS: Final = 2_000


def load_tenant_keys(pool: Pool, vault: Vault, now: Callable[[], datetime]) -> dict[str, TenantKeys]:
    """The webhook keys of all tenants. Raises psycopg's errors when the database does not answer."""
    with _hurried(pool) as conn:
        return tenant_keys(list_tenants(conn), list_secrets(conn, SECRET_KIND), vault, now())


def fetch_fleet_state(pool: Pool) -> FleetState:
    """What the metrics show of the database. Raises psycopg's errors when it does not answer."""
    with _hurried(pool) as conn:
        counts, lags = records.count_by_state(conn), records.measure_lag(conn)
        polls = [row for row in list_watermarks(conn) if row["last_complete_at"] is not None]
        return FleetState(
            records={(row["tenant"], row["kind"], row["state"]): row["count"] for row in counts},
            lag_s={(row["tenant"], row["kind"]): row["lag_s"] for row in lags},
            dead_letters=dead_letters.count_open(conn),
            polled_at={(row["tenant"], row["kind"]): row["last_complete_at"] for row in polls},
        )


def check_database(pool: Pool) -> None:
    """Raises psycopg's errors when the database does not answer."""
    with _hurried(pool) as conn:
        conn.execute("SELECT 1")


@contextmanager
def _hurried(pool: Pool) -> Iterator[Conn]:
    with pool.connection(timeout=CONNECTION_TIMEOUT_S) as conn, conn.transaction():
        conn.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
        yield conn
