"""A person stops all work for a tenant, and lets it go on.

One function each for the command line and Flower's pages.
"""

from __future__ import annotations

from shared import logs
from shared.store import history, tenants, watermarks
from shared.store.pool import Conn
from shared.store.records import wake_all

log = logs.get_logger(__name__)

PAUSED = "paused"
RESUMED = "resumed"


def pause_tenant(conn: Conn, tenant: str, *, by: str) -> None:
    """Stop all work until it is resumed, in the name of ``by``. Raises UsageError for an unknown tenant."""
    with conn.transaction():
        tenants.set_paused(conn, tenant, paused=True)
        history.add_entry(conn, _entry(tenant, by, PAUSED))
    log.info("tenant paused", action="tenant.paused", tenant=tenant, by=by)


def resume_tenant(conn: Conn, tenant: str, *, by: str) -> None:
    """Go on with a paused or suspended tenant, and poll both systems at once, in the name of ``by``.

    Raises UsageError for an unknown tenant.
    """
    with conn.transaction():
        tenants.set_paused(conn, tenant, paused=False)
        watermarks.poll_now(conn, tenant)
        wake_all(conn, tenant)
        history.add_entry(conn, _entry(tenant, by, RESUMED))
    log.info("tenant resumed", action="tenant.resumed", tenant=tenant, by=by)


def _entry(tenant: str, by: str, action: str) -> history.Entry:
    return history.Entry(tenant, history.TENANT, tenant, by, action)
