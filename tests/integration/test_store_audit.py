"""History is sealed into a chain: whatever is done to it behind our back is found, and where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from shared.fields import Change
from shared.store import audit, history, secrets
from shared.store.audit import AuditBroken, purge_history, seal_history
from shared.store.audit_chain import Head
from shared.store.audit_verify import Report, verify_history
from shared.store.history import Entry
from shared.store.pool import Conn
from shared.vault import UnknownKeyId, Vault
from tests.integration.conftest import Connect
from tests.support.rows import TENANT, add_synced, add_tenant, at_once

pytestmark = pytest.mark.integration

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)
VAULT = Vault([OLD])
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def write(conn: Conn, count: int = 1, *, tenant: str = TENANT, bill_id: str = "b1", **fields: object) -> None:
    change = Change("amount", "1.10", "2.50")
    for number in range(count):
        entry = Entry(tenant, "bill", f"{bill_id}", "worker-1", f"updated {number}", changes=[change])
        history.add_entry(conn, entry)
    if fields:
        with unguarded(conn):
            sets = ", ".join(f"{name} = %s" for name in fields)
            statement = f"UPDATE history SET {sets} WHERE bill_id = %s"  # noqa: S608 - the test's own words
            conn.execute(statement.encode(), (*fields.values(), bill_id))


class unguarded:  # noqa: N801 - reads as a statement
    """As someone with the database's password: the trigger is no obstacle."""

    def __init__(self, conn: Conn) -> None:
        self.conn = conn

    def __enter__(self) -> None:
        self.conn.execute("ALTER TABLE history DISABLE TRIGGER history_is_append_only")

    def __exit__(self, *_: object) -> None:
        self.conn.execute("ALTER TABLE history ENABLE TRIGGER history_is_append_only")


def seal_all(conn: Conn, tenant: str = TENANT) -> int:
    return seal_history(conn, VAULT, tenant)


def verify(conn: Conn, known: Head | None = None) -> Report:
    return verify_history(conn, VAULT, TENANT, known=known)


def told(conn: Conn) -> list[tuple[int | None, str]]:
    return [(problem.seq, problem.what) for problem in verify(conn).problems]


def id_of(conn: Conn, seq: int) -> int:
    row = conn.execute("SELECT history_id FROM history_seals WHERE seq = %s", (seq,)).fetchone()
    assert row is not None
    return int(row["history_id"])


def test_what_was_written_is_sealed_and_holds(conn: Conn) -> None:
    write(conn, 5)
    assert (verify(conn).holds, verify(conn).sealed, verify(conn).unsealed) == (True, 0, 5)
    assert seal_history(conn, VAULT, TENANT, most=3) == 3
    assert seal_all(conn) == 2
    assert seal_all(conn) == 0
    write(conn)
    report = verify(conn)
    assert (report.holds, report.sealed, report.unsealed) == (True, 5, 1)
    assert report.head is not None
    assert report.head.seq == 5


TAMPERINGS: dict[str, tuple[str, int, str]] = {
    "an amount is edited": (
        "UPDATE history SET changes = "
        """'[{"field": "amount", "before": "1.1", "after": "2.50"}]' WHERE id = {3}""",
        3,
        "the entry, or its seal, was changed",
    ),
    "the actor is edited": (
        "UPDATE history SET actor = 'worker-2' WHERE id = {3}",
        3,
        "the entry, or its seal, was changed",
    ),
    "the time is moved": (
        "UPDATE history SET at = at - interval '1 microsecond' WHERE id = {3}",
        3,
        "the entry, or its seal, was changed",
    ),
    "the entry is moved to another bill": (
        "UPDATE history SET bill_id = 'b2' WHERE id = {1}",
        1,
        "the entry, or its seal, was changed",
    ),
    "the entry is given to another tenant": (
        "UPDATE history SET tenant = 'other' WHERE id = {2}",
        2,
        "the entry was removed",
    ),
    "an entry is removed": ("DELETE FROM history WHERE id = {4}", 4, "the entry was removed"),
    "an entry is removed and marked as purged": (
        "WITH gone AS (DELETE FROM history WHERE id = {4}) "
        "UPDATE history_seals SET purged = mac WHERE seq = 4",
        4,
        "the entry was removed, and not by a purge of ours",
    ),
    "an entry is removed with its seal": (
        "WITH gone AS (DELETE FROM history WHERE id = {2}) DELETE FROM history_seals WHERE seq = 2",
        2,
        "1 entry is missing with its seal, from 2 to 2",
    ),
    "the end is cut off": (
        "WITH gone AS (DELETE FROM history WHERE id >= {4}) DELETE FROM history_seals WHERE seq >= 4",
        4,
        "2 entries are missing at the end, from 4",
    ),
    "the end is cut off and the head set to it": (
        "WITH cut AS (DELETE FROM history_seals WHERE seq = 5), gone AS (DELETE FROM history WHERE id = {5}) "
        "UPDATE history_heads SET seq = 4, mac = (SELECT mac FROM history_seals WHERE seq = 4)",
        4,
        "the chain's head was changed",
    ),
    "the head is removed": ("DELETE FROM history_heads", 5, "the chain's head is gone"),
    "an anchor is forged over removed entries": (
        "WITH gone AS (DELETE FROM history WHERE id <= {2}), "
        "cut AS (DELETE FROM history_seals WHERE seq <= 2 RETURNING *) "
        "INSERT INTO history_anchors (tenant, seq, mac, purged, older_than, purged_at, actor, proof) "
        "SELECT tenant, seq, mac, 2, now(), now(), 'root', mac FROM cut WHERE seq = 2",
        1,
        "2 entries are missing with their seals, from 1 to 2",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_is_done_to_it_is_found_where_it_was_done(conn: Conn, name: str) -> None:
    statement, seq, what = TAMPERINGS[name]
    write(conn, 5)
    seal_all(conn)
    ids = {str(number): str(id_of(conn, number)) for number in range(1, 6)}
    for number, history_id in ids.items():
        statement = statement.replace(f"{{{number}}}", history_id)
    with unguarded(conn):
        conn.execute(statement.encode())
    assert (seq, what) in told(conn)
    assert {at for at, _ in told(conn)} <= {seq, None}


def test_seals_that_were_taken_away_are_missed(conn: Conn) -> None:
    write(conn, 3)
    seal_all(conn)
    for table in ("history_seals", "history_heads", "secrets"):
        conn.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - the test's own words
    report = verify(conn)
    assert {problem.what for problem in report.problems} == {
        "the entry has no seal and waits for none: its seal was removed"
    }
    assert len(report.problems) == 3


def test_an_older_copy_of_everything_is_betrayed_by_a_head_that_was_filed(conn: Conn) -> None:
    write(conn, 3)
    seal_all(conn)
    kept = conn.execute("SELECT * FROM history_heads").fetchall()[0]
    filed_early = audit.find_head(conn, TENANT)
    write(conn, 2)
    seal_all(conn)
    filed = audit.find_head(conn, TENANT)
    assert verify(conn, filed_early).known_head is True
    assert verify(conn, filed).holds
    with unguarded(conn):
        conn.execute("DELETE FROM history WHERE id >= %s", (id_of(conn, 4),))
    conn.execute("DELETE FROM history_seals WHERE seq >= 4")
    conn.execute("UPDATE history_heads SET seq = 3, mac = %(mac)s, proof = %(proof)s", kept)
    assert verify(conn).holds  # the database alone cannot know
    assert verify(conn, filed).known_head is False
    assert not verify(conn, filed).holds


def test_a_row_that_commits_after_a_later_one_is_sealed_then(conn: Conn, connect_again: Connect) -> None:
    slow = connect_again()
    with slow.transaction():
        write(slow, bill_id="slow")
        write(conn, bill_id="quick")
        assert seal_all(conn) == 1
    assert seal_all(conn) == 1
    assert id_of(conn, 2) < id_of(conn, 1)
    assert (verify(conn).holds, verify(conn).sealed) == (True, 2)


def test_sealers_at_once_seal_each_row_once(conn: Conn, connect_again: Connect) -> None:
    write(conn, 60)
    connections = [connect_again() for _ in range(6)]

    def sealing(own: Conn) -> Callable[[], int]:
        return lambda: sum(seal_history(own, VAULT, TENANT, most=7) for _ in range(12))

    counts = at_once([sealing(own) for own in connections])
    assert sum(counts) + seal_all(conn) == 60
    assert (verify(conn).holds, verify(conn).sealed) == (True, 60)


def test_a_sealer_that_is_killed_leaves_the_chain_as_it_was(conn: Conn, connect_again: Connect) -> None:
    write(conn, 4)
    for nth in range(1, 20):  # whatever statement is the last one that the server sees
        victim = connect_again()
        try:
            seal_history(_Dying(victim, nth), VAULT, TENANT, most=2)  # type: ignore[arg-type]
        except psycopg.OperationalError:
            assert verify(conn).holds
            continue
        break
    else:
        pytest.fail("never got through")
    seal_all(conn)
    assert (verify(conn).holds, verify(conn).sealed) == (True, 4)


class _Dying:
    """A connection whose ``nth`` statement finds the server gone."""

    def __init__(self, conn: Conn, nth: int) -> None:
        self._conn, self._left = conn, nth

    def execute(self, *args: object) -> object:
        self._left -= 1
        if self._left == 0:
            self._conn.close()
        return self._conn.execute(*args)  # type: ignore[call-overload]

    def cursor(self) -> object:
        self._left -= 1
        if self._left == 0:
            self._conn.close()
        return self._conn.cursor()

    def transaction(self) -> object:
        return self._conn.transaction()


def test_a_row_removed_before_it_was_sealed_is_missed_before_and_after(conn: Conn) -> None:
    write(conn, 2)
    conn.execute("DELETE FROM history WHERE action = 'updated 1'")
    assert told(conn) == [(None, "the entry was removed before it was sealed")]
    assert seal_all(conn) == 2
    assert told(conn) == [(2, "the entry was removed")]


def test_a_tampered_head_or_a_lost_key_stops_the_sealer(conn: Conn) -> None:
    write(conn, 2)
    seal_all(conn)
    conn.execute("UPDATE history_heads SET seq = 1")
    write(conn)
    with pytest.raises(AuditBroken, match="head was changed"):
        seal_all(conn)
    conn.execute("DELETE FROM secrets WHERE kind = 'audit'")
    with pytest.raises(AuditBroken, match="key is gone"):
        seal_all(conn)
    assert verify(conn).unsealed == 1


def test_seals_outlive_their_master_key(conn: Conn) -> None:
    write(conn, 2)
    seal_all(conn)
    both, new = Vault([NEW, OLD]), Vault([NEW])
    with pytest.raises(UnknownKeyId):
        verify_history(conn, new, TENANT)
    sealed = secrets.find_secret(conn, TENANT, "audit")  # as `connector keys rotate` does
    assert sealed is not None
    key = both.unseal(sealed, tenant=TENANT, kind="audit")
    secrets.put_secret(conn, TENANT, "audit", both.seal(key, tenant=TENANT, kind="audit"))
    write(conn)
    seal_history(conn, new, TENANT)
    report = verify_history(conn, new, TENANT)
    assert (report.holds, report.sealed) == (True, 3)


def test_tenants_have_chains_of_their_own(conn: Conn) -> None:
    add_tenant(conn, "other")
    write(conn, 2)
    write(conn, 3, tenant="other")
    assert (seal_all(conn), seal_all(conn, "other")) == (2, 3)
    conn.execute("DELETE FROM history WHERE tenant = 'other'")
    assert verify(conn).holds
    assert not verify_history(conn, VAULT, "other").holds


def test_a_sealer_is_sent_once_a_minute_to_those_with_something_to_seal(
    conn: Conn, connect_again: Connect
) -> None:
    add_tenant(conn, "idle")
    assert audit.take_due(conn) == []
    write(conn)
    ticks = [connect_again() for _ in range(4)]
    taken = at_once([lambda own=own: audit.take_due(own) for own in ticks])  # type: ignore[misc]
    assert sorted(taken) == [[], [], [], [TENANT]]
    assert audit.take_due(conn) == []
    conn.execute("UPDATE history_heads SET asked_at = now() - interval '61 seconds'")
    assert audit.take_due(conn) == [TENANT]
    seal_all(conn)
    conn.execute("UPDATE history_heads SET asked_at = now() - interval '61 seconds'")
    assert audit.take_due(conn) == []


def purge(conn: Conn, *, years: int = 7, older_than: datetime = LATER, most: int = 2) -> int:
    return sum(
        purge_history(
            conn, VAULT, TENANT, older_than=older_than, retention_years=years, actor="op", most=most
        )
    )


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def test_a_purge_leaves_an_anchor_and_the_rest_holds(conn: Conn) -> None:
    write(conn, 5, bill_id="old", at=ago(100))
    write(conn, 3, bill_id="young")
    assert purge(conn, older_than=ago(50)) == 0  # what is not sealed stays
    seal_all(conn)
    assert purge(conn, older_than=ago(50)) == 5
    report = verify(conn)
    assert (report.holds, report.sealed, report.purged) == (True, 3, 5)
    anchors = conn.execute("SELECT seq, purged, actor FROM history_anchors ORDER BY id").fetchall()
    assert anchors[-1] == {"seq": 5, "purged": 1, "actor": "op"}
    assert conn.execute("SELECT min(seq) AS first FROM history_seals").fetchall() == [{"first": 6}]
    write(conn, 2, bill_id="young")
    seal_all(conn)
    assert purge(conn) == 5
    report = verify(conn)
    assert (report.holds, report.sealed, report.purged) == (True, 0, 10)
    write(conn)
    seal_all(conn)
    assert (verify(conn).holds, verify(conn).head.seq if verify(conn).head else 0) == (True, 11)


def test_a_purge_amid_the_chain_keeps_its_seals(conn: Conn) -> None:
    write(conn, 2, bill_id="first")
    write(conn, 2, bill_id="old", at=ago(100))
    write(conn, 2, bill_id="last")
    seal_all(conn)
    assert purge(conn, older_than=ago(50)) == 2
    report = verify(conn)
    assert (report.holds, report.sealed, report.purged) == (True, 4, 2)
    conn.execute("DELETE FROM history_seals WHERE seq = 3")
    assert told(conn) == [(3, "1 entry is missing with its seal, from 3 to 3")]


def test_written_documents_keep_their_history_for_years(conn: Conn) -> None:
    write(conn, 2, bill_id="never written", at=ago(5 * 365))
    write(conn, 1, bill_id="was written", at=ago(5 * 365), visma_number="900")
    write(conn, 1, bill_id="written long ago", at=ago(8 * 365), visma_number="901")
    add_synced(conn, "still written", kind="bill")
    write(conn, 1, bill_id="still written", at=ago(5 * 365))
    write(conn, 2, bill_id="touched lately", at=ago(8 * 365), visma_number="902")
    history.add_entry(conn, Entry(TENANT, "bill", "touched lately", "worker-1", "unchanged"))
    seal_all(conn)
    assert purge(conn, older_than=ago(30)) == 3
    left = conn.execute("SELECT DISTINCT bill_id FROM history ORDER BY bill_id").fetchall()
    assert [row["bill_id"] for row in left] == ["still written", "touched lately", "was written"]
    assert verify(conn).holds


@pytest.mark.parametrize("state", ["held", "dead", "waiting", "pending"])
def test_what_is_not_finished_is_not_purged(conn: Conn, state: str) -> None:
    add_synced(conn, "b1", kind="bill")
    conn.execute("UPDATE records SET state = %s, visma_number = NULL", (state,))
    write(conn, 2, at=ago(100))
    seal_all(conn)
    assert purge(conn, older_than=ago(50)) == 0
