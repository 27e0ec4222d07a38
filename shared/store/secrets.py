"""The secrets table: credentials sealed by ``shared.vault``, one row a tenant and kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.store.pool import Conn
from shared.store.queries import load_queries
from shared.vault import Sealed

SQL = load_queries("secrets")
SecretKind = Literal["bill", "visma", "webhook_key", "audit"]


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """One sealed secret and whose it is."""

    tenant: str
    kind: SecretKind
    sealed: Sealed


def put_secret(conn: Conn, tenant: str, kind: SecretKind, sealed: Sealed) -> None:
    """Store a secret, in place of the one before."""
    conn.execute(
        SQL["put"], {"tenant": tenant, "kind": kind, "key_id": sealed.key_id, "sealed": sealed.content}
    )


def find_secret(conn: Conn, tenant: str, kind: SecretKind, *, lock: bool = False) -> Sealed | None:
    """The sealed secret, or None. ``lock`` keeps it from changing until the transaction ends."""
    row = conn.execute(SQL["get_for_update" if lock else "get"], {"tenant": tenant, "kind": kind}).fetchone()
    return Sealed(row["key_id"], row["sealed"]) if row else None


def list_secrets(conn: Conn, kind: SecretKind) -> list[StoredSecret]:
    """All tenants' secrets of one kind."""
    rows = conn.execute(SQL["list"], {"kind": kind})
    return [StoredSecret(row["tenant"], kind, Sealed(row["key_id"], row["sealed"])) for row in rows]


def list_all_secrets(conn: Conn) -> list[StoredSecret]:
    """Every tenant's secrets of every kind, by kind and tenant."""
    rows = conn.execute(SQL["list_all"])
    return [StoredSecret(row["tenant"], row["kind"], Sealed(row["key_id"], row["sealed"])) for row in rows]


def swap_secret(conn: Conn, old: StoredSecret, new: Sealed) -> bool:
    """Put the same secret sealed anew in place of ``old``; False when another was stored meanwhile."""
    values = {"tenant": old.tenant, "kind": old.kind, "key_id": new.key_id, "sealed": new.content}
    return conn.execute(SQL["swap"], {**values, "old": old.sealed.content}).rowcount == 1


def try_lock_webhook(conn: Conn, tenant: str) -> bool:
    """Be the one who changes a tenant's webhook keys, until the connection is closed; False if another is."""
    row = conn.execute(SQL["try_lock_webhook"], {"tenant": tenant}).fetchone()
    return row is not None and bool(row["locked"])
