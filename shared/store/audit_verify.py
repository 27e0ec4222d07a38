"""Proves that no row of a tenant's history was edited or removed since it was sealed, or says which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg.rows import DictRow

from shared.store.audit import find_chain, has_chain
from shared.store.audit_chain import Chain, Head, same
from shared.store.pool import Conn
from shared.store.queries import load_queries
from shared.vault import Vault

SQL = load_queries("audit")

MOST_PROBLEMS: Final = 1000
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was sealed; the ids are None where they cannot be known any more."""

    what: str
    seq: int | None = None
    history_id: int | None = None
    kind: str | None = None
    bill_id: str | None = None
    at: datetime | None = None


@dataclass(slots=True)
class Report:
    """What a verification found; ``unsealed`` rows are fresh ones that the sealer has not come to yet.

    ``purged`` counts rows of purges of ours; ``known_head`` says whether a head filed earlier is in the
    chain, None where there was none to look for. At most ``MOST_PROBLEMS`` are told, ``more`` counts the
    rest.
    """

    tenant: str
    sealed: int = 0
    purged: int = 0
    unsealed: int = 0
    oldest_unsealed_at: datetime | None = None
    head: Head | None = None
    known_head: bool | None = None
    problems: list[Problem] = field(default_factory=list)
    more: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing was edited or removed."""
        return not self.problems

    def add(self, what: str, **where: Any) -> None:
        """Note a problem."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(what, **where))
        else:
            self.more += 1


def verify_history(conn: Conn, vault: Vault, tenant: str, *, known: Head | None = None) -> Report:
    """Verify a tenant's whole chain in one snapshot, reading it once.

    ``known`` is a head that was filed elsewhere, on a month-end page say: the chain must still hold it.
    Raises UnknownKeyId or SealBroken where the tenant's audit key does not open.
    """
    report = Report(tenant)
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute("SET LOCAL cursor_tuple_fraction = 1")  # all of it is read: plan for that
        chain = find_chain(conn, vault, tenant)
        if chain is not None:
            _Walk(conn, chain, report, known).verify()
        elif has_chain(conn, tenant):
            report.add("the audit key of this tenant is gone, so its seals prove nothing")
        elif known is not None:
            report.known_head = False
            report.add(f"the chain that ended in {known} is gone: nothing is sealed")
        _look_at_unsealed(conn, report)
    return report


class _Walk:
    """One walk along a chain."""

    def __init__(self, conn: Conn, chain: Chain, report: Report, known: Head | None) -> None:
        self.conn, self.chain, self.report, self.known = conn, chain, report, known
        self.last = Head()
        if known is not None:
            report.known_head = False

    def verify(self) -> None:
        """Anchors, then every seal with its row, then the head."""
        self._begin()
        for seal in self._seals():
            self._judge_place(seal)
            self._judge_row(seal)
            self.last = Head(seal["seq"], bytes(seal["mac"]))
            self._compare_known()
        self._end()

    def _seals(self) -> Iterator[DictRow]:
        with self.conn.cursor("audit") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(SQL["walk"], {"tenant": self.chain.tenant})

    def _begin(self) -> None:
        """The chain begins after the newest anchor of ours, or at its first seal."""
        for anchor in self.conn.execute(SQL["list_anchors"], {"tenant": self.chain.tenant}):
            if not same(self.chain.prove_anchor(anchor), anchor["proof"]):
                self.report.add(f"the anchor of the purge at {anchor['purged_at']} was changed")
                continue
            self.last = Head(anchor["seq"], bytes(anchor["mac"]))
            self.report.purged += anchor["purged"]
            self._compare_known()

    def _judge_place(self, seal: DictRow) -> None:
        seq, expected = seal["seq"], self.last.seq + 1
        if seq > expected:
            count = seq - expected
            them = "1 entry is missing with its seal"
            if count > 1:
                them = f"{count} entries are missing with their seals"
            self.report.add(f"{them}, from {expected} to {seq - 1}", seq=expected)
        elif seq < expected:
            self.report.add("a seal stands before the chain's beginning", seq=seq)
        elif not same(self.last.mac, seal["before"]):
            self.report.add("the seal before this one was replaced", seq=seq, **_where(seal))

    def _judge_row(self, seal: DictRow) -> None:
        seq, history_id, mac = seal["seq"], seal["history_id"], bytes(seal["mac"])
        if seal["purged"] is not None:
            if not same(self.chain.prove_purged(seq, history_id, mac), seal["purged"]):
                self.report.add("the entry was removed, and not by a purge of ours", seq=seq, **_where(seal))
            elif seal["id"] is not None:
                self.report.add("the entry was purged and put back", seq=seq, **_where(seal))
            return
        self.report.sealed += 1
        if seal["tenant"] != self.chain.tenant:
            self.report.add("the entry was removed", seq=seq, **_where(seal))
        elif not same(self.chain.seal(seq, bytes(seal["before"]), history_id, seal), mac):
            self.report.add("the entry, or its seal, was changed", seq=seq, **_where(seal))

    def _end(self) -> None:
        row = self.conn.execute(SQL["get_head"], {"tenant": self.chain.tenant}).fetchone()
        if row is None or row["seq"] == 0:
            if self.last.seq:
                self.report.add("the chain's head is gone", seq=self.last.seq)
        else:
            self._judge_head(Head(row["seq"], bytes(row["mac"]), row["sealed_at"]), row["proof"])
        if self.report.known_head is False:
            self.report.add(f"the head {self.known} that was filed is not in the chain any more")

    def _judge_head(self, head: Head, proof: bytes) -> None:
        self.report.head = head
        if not same(self.chain.prove_head(head), proof):
            self.report.add("the chain's head was changed", seq=head.seq)
        elif head.seq > self.last.seq:
            count = head.seq - self.last.seq
            entries = "1 entry is" if count == 1 else f"{count} entries are"
            self.report.add(f"{entries} missing at the end, from {self.last.seq + 1}", seq=self.last.seq + 1)
        elif head.seq < self.last.seq or head.mac != self.last.mac:
            self.report.add("the chain's head was set back", seq=head.seq)

    def _compare_known(self) -> None:
        known = self.known
        if known is None:
            return
        if (self.last.seq, self.last.mac) == (known.seq, known.mac):
            self.report.known_head = True


def _look_at_unsealed(conn: Conn, report: Report) -> None:
    """What has no seal: fresh rows are only counted, others were tampered with."""
    values = {"tenant": report.tenant, "most": MOST_PROBLEMS}
    fresh = conn.execute(SQL["count_unsealed"], values).fetchone()
    if fresh is not None:
        report.unsealed, report.oldest_unsealed_at = fresh["count"], fresh["oldest_at"]
    for row in conn.execute(SQL["find_unguarded"], values):
        report.add(
            "the entry has no seal and waits for none: its seal was removed",
            **_where({**row, "history_id": row["id"]}),
        )
    for row in conn.execute(SQL["find_lost"], values):
        report.add("the entry was removed before it was sealed", history_id=row["id"])


def _where(row: DictRow) -> dict[str, Any]:
    """The row's ids as a problem tells them."""
    return {name: row.get(name) for name in ("history_id", "kind", "bill_id", "at")}
