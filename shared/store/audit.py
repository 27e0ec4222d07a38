"""The audit trail: committed history is sealed into a chain of its tenant, and purged from it with an anchor.

A row waits in ``history_unsealed`` from the transaction that wrote it, so a sealer takes what is committed
and no more, in whatever order transactions end. Sealing and purging of one tenant take turns; each is one
transaction, so that a crash leaves the chain as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from psycopg.rows import DictRow

from shared.errors import Permanent
from shared.store import secrets
from shared.store.audit_chain import KEY_BYTES, Chain, Head, same
from shared.store.pool import Conn
from shared.store.queries import load_queries
from shared.vault import Vault

SQL = load_queries("audit")

KEY_KIND: Final = "audit"
"""What the audit key is stored as among the secrets."""

ROWS_AT_ONCE: Final = 1000
SEAL_EVERY_S: Final = 60


class AuditBroken(Permanent):
    """The chain is not as we left it: nothing more is sealed or purged until a person has looked."""

    def __init__(self, tenant: str, why: str) -> None:
        super().__init__(
            f"the audit trail of {tenant} is broken: {why}; see `connector audit verify {tenant}`"
        )


def take_due(conn: Conn) -> list[str]:
    """Tenants whose history is to be sealed; each is given to one caller within ``SEAL_EVERY_S``."""
    return [row["tenant"] for row in conn.execute(SQL["take_due"], {"every_s": SEAL_EVERY_S})]


def seal_history(conn: Conn, vault: Vault, tenant: str, *, most: int = ROWS_AT_ONCE) -> int:
    """Seal the oldest ``most`` rows that are not sealed yet; how many there were.

    0 also while another seals this tenant. The first call makes the tenant's audit key. Raises AuditBroken,
    UnknownKeyId or SealBroken.
    """
    with conn.transaction():
        locked = conn.execute(SQL["try_lock"], {"tenant": tenant}).fetchone()
        if not (locked and locked["locked"]):
            return 0
        chain = _ensure_chain(conn, vault, tenant)
        head = _get_head(conn, chain)
        taken = conn.execute(SQL["take_unsealed"], {"tenant": tenant, "most": most})
        ids = [row["history_id"] for row in taken]
        if ids:
            _append(conn, chain, head, ids)
    return len(ids)


def find_head(conn: Conn, tenant: str) -> Head | None:
    """The end of a tenant's chain as it stands; None while nothing is sealed."""
    row = conn.execute(SQL["get_head"], {"tenant": tenant}).fetchone()
    return Head(row["seq"], bytes(row["mac"]), row["sealed_at"]) if row and row["seq"] else None


def find_chain(conn: Conn, vault: Vault, tenant: str) -> Chain | None:
    """The tenant's chain under its key; None where it has no key. Raises UnknownKeyId or SealBroken."""
    sealed = secrets.find_secret(conn, tenant, KEY_KIND)
    return Chain(tenant, vault.unseal(sealed, tenant=tenant, kind=KEY_KIND)) if sealed else None


def has_chain(conn: Conn, tenant: str) -> bool:
    """Whether anything of the tenant was ever sealed."""
    row = conn.execute(SQL["has_chain"], {"tenant": tenant}).fetchone()
    return bool(row and row["found"])


def purge_history(
    conn: Conn,
    vault: Vault,
    tenant: str,
    *,
    older_than: datetime,
    retention_years: int,
    actor: str,
    most: int = ROWS_AT_ONCE,
) -> Iterator[int]:
    """Delete the tenant's finished history from before ``older_than``, and leave an anchor.

    Gives how many rows each transaction deleted, at most ``most``; one that is interrupted goes on with the
    next call.

    Kept are rows that are not sealed yet, rows of records with work left, held or dead, and all rows of a
    record that is or was in Visma until the newest of them is ``retention_years`` old. Raises as
    ``seal_history`` does.
    """
    after = 0
    values = {"tenant": tenant, "older_than": older_than, "retention_years": retention_years, "most": most}
    while True:
        with conn.transaction():
            conn.execute(SQL["lock"], {"tenant": tenant})
            if not has_chain(conn, tenant):
                return
            chain = _ensure_chain(conn, vault, tenant)
            _get_head(conn, chain)
            found = conn.execute(SQL["find_purgeable"], {**values, "after": after}).fetchall()
            if not found:
                return
            _purge(conn, chain, found, older_than=older_than, actor=actor)
        after = found[-1]["seq"]
        yield len(found)


def _ensure_chain(conn: Conn, vault: Vault, tenant: str) -> Chain:
    chain = find_chain(conn, vault, tenant)
    if chain is not None:
        return chain
    if has_chain(conn, tenant):
        raise AuditBroken(tenant, "its key is gone")
    key = os.urandom(KEY_BYTES)
    secrets.put_secret(conn, tenant, KEY_KIND, vault.seal(key, tenant=tenant, kind=KEY_KIND))
    return Chain(tenant, key)


def _get_head(conn: Conn, chain: Chain) -> Head:
    """The head to go on from. Raises AuditBroken where it is not one of ours."""
    row = conn.execute(SQL["get_head"], {"tenant": chain.tenant}).fetchone()
    if row is None or row["seq"] == 0:
        if has_chain(conn, chain.tenant):
            raise AuditBroken(chain.tenant, "its head is gone")
        return Head()
    head = Head(row["seq"], bytes(row["mac"]))
    if not same(chain.prove_head(head), row["proof"]):
        raise AuditBroken(chain.tenant, "its head was changed")
    return head


def _append(conn: Conn, chain: Chain, head: Head, ids: Sequence[int]) -> None:
    seqs, befores, macs = [], [], []
    for row in conn.execute(SQL["get_rows"], {"ids": list(ids)}):
        seq = head.seq + 1
        mac = chain.seal(seq, head.mac, row["history_id"], row if row["tenant"] == chain.tenant else None)
        seqs.append(seq)
        befores.append(head.mac)
        macs.append(mac)
        head = replace(head, seq=seq, mac=mac)
    sealed = {"seqs": seqs, "ids": sorted(ids), "befores": befores, "macs": macs}
    conn.execute(SQL["add_seals"], {"tenant": chain.tenant, **sealed})
    proof = chain.prove_head(head)
    conn.execute(SQL["put_head"], {"tenant": chain.tenant, "seq": head.seq, "mac": head.mac, "proof": proof})


def _purge(conn: Conn, chain: Chain, rows: Sequence[DictRow], *, older_than: datetime, actor: str) -> None:
    tenant = chain.tenant
    seqs = [row["seq"] for row in rows]
    proofs = [chain.prove_purged(row["seq"], row["history_id"], bytes(row["mac"])) for row in rows]
    conn.execute(SQL["mark_purged"], {"tenant": tenant, "seqs": seqs, "proofs": proofs})
    conn.execute(SQL["delete_rows"], {"tenant": tenant, "ids": [row["history_id"] for row in rows]})
    start = _drop_leading(conn, tenant)
    now = conn.execute(SQL["now"]).fetchall()[0]["now"]
    anchor = {
        "tenant": tenant,
        "seq": start.seq,
        "mac": start.mac,
        "purged": len(rows),
        "older_than": older_than,
        "purged_at": now,
        "actor": actor,
    }
    conn.execute(SQL["add_anchor"], {**anchor, "proof": chain.prove_anchor(anchor)})


def _drop_leading(conn: Conn, tenant: str) -> Head:
    """Forget the seals at the chain's beginning that stand for purged rows; the seal it begins after."""
    last = conn.execute(SQL["find_last_leading_purged"], {"tenant": tenant}).fetchone()
    if last is not None:
        conn.execute(SQL["drop_leading"], {"tenant": tenant, "seq": last["seq"]})
        return Head(last["seq"], bytes(last["mac"]))
    anchors = conn.execute(SQL["list_anchors"], {"tenant": tenant}).fetchall()
    return Head(anchors[-1]["seq"], bytes(anchors[-1]["mac"])) if anchors else Head()
