"""Pages over 100,000 dead letters and as many held records: what is read for each, not how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from shared.store import held, letter_pages
from shared.store.held import HeldPlace
from shared.store.letter_pages import PAGE_SIZE, LetterFilter
from shared.store.pool import Conn, connect
from tests.conftest import with_database

pytestmark = pytest.mark.integration

MANY = 100_000
MOST_READ = 8 * PAGE_SIZE
"""Rows read for one page of 50, those that a filter leaves out included."""

LETTERS = """
INSERT INTO dead_letters (tenant, kind, bill_id, label, task, error_class, error, state)
SELECT CASE WHEN n %% 1000 = 7 THEN 'rare' ELSE 'acme' END,
       CASE WHEN n %% 5 = 0 THEN 'vendor' ELSE 'bill' END,
       '00n' || n, 'F-' || n, 'connector.upsert_supplier_invoice',
       CASE WHEN n %% 2000 = 3 THEN 'PoisonRecord' ELSE 'Refused' END, 'Visma refused it: number ' || n %% 97,
       CASE WHEN n %% 50 = 1 THEN 'open' ELSE 'replayed' END
FROM generate_series(1, %s) n"""
HELD = """
INSERT INTO records (tenant, kind, bill_id, state, reason, held_at, vendor_id, label)
SELECT CASE WHEN n %% 1000 = 7 THEN 'rare' ELSE 'acme' END, 'bill', '00n' || n, 'held',
       CASE WHEN n %% 500 = 8 THEN 'zero_amount' ELSE 'vendor_held' END,
       '2026-01-01'::timestamptz + n * interval '1 second', '009' || n %% 100, 'F-' || n
FROM generate_series(1, %s) n"""

INDEXES = """SELECT indexname, indexdef FROM pg_indexes
             WHERE tablename IN ('dead_letters', 'records') AND indexname NOT LIKE '%pkey'"""


@pytest.fixture(scope="module")
def crowd(database_url: str, migrated_template: str) -> Iterator[Conn]:
    """A database with 100,000 letters and as many held records."""
    name = sql.Identifier(f"{migrated_template}_crowd")
    with connect(database_url, name="test") as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(migrated_template))
        )
        with connect(with_database(database_url, name.as_string().strip('"')), name="test") as conn:
            _fill(conn)
            yield conn
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _fill(conn: Conn) -> None:
    """Rows first, then their indexes: that takes a third of the time."""
    indexes = conn.execute(INDEXES).fetchall()
    for index in indexes:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index["indexname"])))
    conn.execute("INSERT INTO tenants (id, config) VALUES ('acme', '{}'), ('rare', '{}')")
    conn.execute(LETTERS, (MANY,))
    conn.execute(HELD, (MANY,))
    for index in indexes:
        conn.execute(index["indexdef"].encode())
    conn.execute("VACUUM ANALYZE dead_letters, records")


def count_read(conn: Conn, statement: bytes, values: dict[str, Any]) -> int:
    """How many rows and index entries the scans of a statement touch."""
    row = conn.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement, values, prepare=False).fetchone()
    assert row is not None
    return _scanned(row["QUERY PLAN"][0]["Plan"])


def _scanned(node: dict[str, Any]) -> int:
    below = sum(_scanned(child) for child in node.get("Plans", ()))
    if "Scan" not in node["Node Type"]:
        return below
    dropped = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    return below + int((node["Actual Rows"] + dropped) * node["Actual Loops"])


FILTERS = [
    LetterFilter(),
    LetterFilter(state=None),
    LetterFilter(kind="vendor", state="replayed"),
    LetterFilter(tenant="rare", state="replayed"),
    LetterFilter(error="PoisonRecord", state="replayed"),
]
SEARCHES = [
    LetterFilter(state=None, words="F-41"),
    LetterFilter(words="00n4951"),
    LetterFilter(state="replayed", words="visma 13"),
    LetterFilter(state="replayed", words="visma"),
    LetterFilter(words="nothing has this"),
]


@pytest.mark.parametrize("chosen", FILTERS, ids=repr)
@pytest.mark.parametrize("below", [None, MANY // 2])
def test_a_page_of_letters_reads_little_whatever_is_chosen(
    crowd: Conn, chosen: LetterFilter, below: int | None
) -> None:
    values = chosen.to_values(below=below, most=PAGE_SIZE + 1)
    assert 0 < count_read(crowd, letter_pages.SQL["page"], values) <= MOST_READ


@pytest.mark.parametrize("chosen", SEARCHES, ids=repr)
def test_a_search_reads_what_it_finds_and_never_the_whole_table(crowd: Conn, chosen: LetterFilter) -> None:
    values = chosen.to_values(below=None, most=PAGE_SIZE + 1)
    assert count_read(crowd, letter_pages.SQL["page"], values) <= MANY // 10


def test_the_choices_of_a_filter_are_found_without_reading_the_table(crowd: Conn) -> None:
    assert letter_pages.list_errors(crowd) == ["PoisonRecord", "Refused"]
    assert count_read(crowd, letter_pages.SQL["errors"], {}) <= MOST_READ
    assert letter_pages.count(crowd, LetterFilter()) == MANY // 50
    assert letter_pages.count(crowd, LetterFilter(state=None)) == letter_pages.COUNT_TO + 1


@pytest.mark.parametrize("tenant", [None, "acme", "rare"])
@pytest.mark.parametrize("reason", [None, "vendor_held"])
def test_a_page_of_held_records_reads_little_wherever_it_begins(
    crowd: Conn, tenant: str | None, reason: str | None
) -> None:
    def read(last: HeldPlace | None) -> int:
        place = {f"last_{name}": getattr(last, name, None) for name in HeldPlace.__slots__}
        values = {"tenant": tenant, "reason": reason, "most": PAGE_SIZE + 1, **place}
        return count_read(crowd, held.SQL["page"], values)

    rows = held.list_page(crowd, tenant=tenant, reason=reason)
    last = HeldPlace(*(rows[min(len(rows), PAGE_SIZE) - 1][name] for name in HeldPlace.__slots__))
    assert read(None) <= MOST_READ
    assert read(last) <= MOST_READ


def test_pages_of_held_records_follow_one_another_without_gap_or_repeat(crowd: Conn) -> None:
    seen: list[str] = []
    last = None
    for _ in range(6):
        rows = held.list_page(crowd, last=last)
        assert len(rows) == PAGE_SIZE + 1
        seen += [row["bill_id"] for row in rows[:PAGE_SIZE]]
        last = HeldPlace(*(rows[PAGE_SIZE - 1][name] for name in HeldPlace.__slots__))
    query = "SELECT bill_id FROM records ORDER BY reason, held_at, tenant, kind, bill_id LIMIT 300"
    assert seen == [row["bill_id"] for row in crowd.execute(query)]


def test_pages_of_letters_follow_one_another_without_gap_or_repeat(crowd: Conn) -> None:
    seen: list[int] = []
    for _ in range(4):
        below = seen[-1] if seen else None
        seen += [row["id"] for row in letter_pages.list_page(crowd, LetterFilter(), below=below)[:PAGE_SIZE]]
    query = "SELECT id FROM dead_letters WHERE state = 'open' ORDER BY id DESC LIMIT 200"
    assert seen == [row["id"] for row in crowd.execute(query)]


def test_a_search_finds_words_by_their_beginning(crowd: Conn) -> None:
    def found(words: str) -> list[str]:
        return [row["label"] for row in letter_pages.list_page(crowd, LetterFilter(state=None, words=words))]

    assert found("F-77777") == ["F-77777"]
    assert found("f-7777 NUMBER") == ["F-77779", "F-77778", "F-77777", "F-77776", "F-77775", "F-77774",
                                      "F-77773", "F-77772", "F-77771", "F-77770", "F-7777"]  # fmt: skip
    assert found("00n777") != [] and found("0n777") == []
    assert found("' & | !") == letter_labels(crowd)


def letter_labels(conn: Conn) -> list[str]:
    """What a search without a word finds: everything."""
    return [row["label"] for row in letter_pages.list_page(conn, LetterFilter(state=None))]
