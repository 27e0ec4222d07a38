"""The alerts table: what stands above a limit of its tenant, and was told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.rows import DictRow

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("alerts")


@dataclass(frozen=True, slots=True)
class Measured:
    """How a tenant stands: seconds that its oldest due record has waited, and counts."""

    lag_s: float
    dead_letters: int
    held: int


def take_due(conn: Conn, *, every_s: float) -> list[str]:
    """Tenants last looked at more than ``every_s`` seconds ago; each is given to one caller only."""
    return [str(row["id"]) for row in conn.execute(SQL["take_due"], {"every_s": every_s})]


def measure(conn: Conn, tenant: str) -> Measured:
    """How the tenant stands now."""
    row = conn.execute(SQL["measure"], {"tenant": tenant}).fetchone()
    return Measured(**row) if row else Measured(0.0, 0, 0)


def raise_alerts(conn: Conn, tenant: str, standing: Mapping[str, str]) -> list[str]:
    """Note what stands above its limit, with a line of text for each; which of it is news."""
    return [what for what, detail in standing.items() if _is_news(conn, tenant, what, detail)]


def heal_alerts(conn: Conn, tenant: str, standing: Mapping[str, str], *, calm_s: float) -> list[str]:
    """Forget alerts of which nothing stood any more for ``calm_s`` seconds; which they were."""
    values = {"tenant": tenant, "standing": list(standing), "calm_s": calm_s}
    conn.execute(SQL["calm"], values)
    return [str(row["what"]) for row in conn.execute(SQL["heal"], values)]


def list_alerts(conn: Conn, tenant: str) -> list[DictRow]:
    """The tenant's standing alerts, the oldest first."""
    return conn.execute(SQL["list"], {"tenant": tenant}).fetchall()


def _is_news(conn: Conn, tenant: str, what: str, detail: str) -> bool:
    row = conn.execute(SQL["raise"], {"tenant": tenant, "what": what, "detail": detail}).fetchone()
    return bool(row and row["is_new"])
