"""The tenants table: each tenant's validated settings, and whether it is worked for at the moment."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import DictRow

from shared.errors import UsageError
from shared.store.pool import Conn, jsonb
from shared.store.queries import load_queries
from shared.tenant_file import config_from_json, config_to_json
from shared.tenants import TenantConfig

SQL = load_queries("tenants")


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant: ``paused`` by a person, or ``suspended`` by the connector with the reason why."""

    config: TenantConfig
    paused: bool
    suspended: str | None

    @property
    def is_active(self) -> bool:
        """Whether work is done for the tenant."""
        return not self.paused and self.suspended is None


def apply_tenant(conn: Conn, config: TenantConfig) -> None:
    """Save a tenant's settings; a new tenant gets its polls, due at once."""
    with conn.transaction():
        conn.execute(SQL["apply"], {"id": config.id, "config": jsonb(config_to_json(config))})
        conn.execute(SQL["prepare_watermarks"], {"id": config.id})


def list_tenants(conn: Conn) -> list[TenantRow]:
    """All tenants by id."""
    return [_tenant(row) for row in conn.execute(SQL["list"])]


def list_ids(conn: Conn) -> list[str]:
    """All tenants' ids, in order."""
    return [row["id"] for row in conn.execute(SQL["ids"])]


def list_page(conn: Conn, *, after: str | None, most: int) -> list[TenantRow]:
    """The first ``most`` tenants by id, behind the one with the id ``after``."""
    return [_tenant(row) for row in conn.execute(SQL["page"], {"after": after, "most": most})]


def find_tenant(conn: Conn, tenant: str) -> TenantRow | None:
    """The tenant, or None."""
    row = conn.execute(SQL["get"], {"id": tenant}).fetchone()
    return _tenant(row) if row else None


def get_tenant(conn: Conn, tenant: str) -> TenantRow:
    """The tenant. Raises UsageError when there is none of that name."""
    found = find_tenant(conn, tenant)
    if found is None:
        raise UsageError(f"there is no tenant {tenant!r}: see `connector tenant list`")
    return found


def set_paused(conn: Conn, tenant: str, *, paused: bool) -> None:
    """Pause or resume; resuming also lifts a suspension. Raises UsageError for an unknown tenant."""
    if conn.execute(SQL["pause"], {"id": tenant, "paused": paused}).rowcount != 1:
        get_tenant(conn, tenant)


def suspend(conn: Conn, tenant: str, why: str) -> bool:
    """Stop work for a tenant whose credentials were refused; False when it is suspended already."""
    return conn.execute(SQL["suspend"], {"id": tenant, "why": why}).rowcount == 1


def lift_suspension(conn: Conn, tenant: str) -> bool:
    """Take up work again, after new credentials; False when the tenant was not suspended."""
    return conn.execute(SQL["lift"], {"id": tenant}).rowcount == 1


def _tenant(row: DictRow) -> TenantRow:
    return TenantRow(config_from_json(row["config"]), row["paused"], row["suspended"])
