"""Dead letters as people look through them: filtered, searched, 50 at a time whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from shared.store.pool import Conn
from shared.store.queries import load_queries

SQL = load_queries("letter_pages")
PAGE_SIZE = 50
COUNT_TO = 10_000
"""Up to here letters are counted; beyond, there are more than that."""


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters: None is any. ``words`` are beginnings of words in id, name or error."""

    state: str | None = "open"
    tenant: str | None = None
    kind: str | None = None
    error: str | None = None
    words: str = ""

    def to_values(self, *, below: int | None, most: int) -> dict[str, Any]:
        """Statement parameters, for ``most`` letters with an id below ``below``."""
        names = (name for name in LetterFilter.__slots__)
        return {name: getattr(self, name) for name in names} | {"below": below, "most": most}


def list_page(
    conn: Conn, chosen: LetterFilter, *, below: int | None = None, most: int = PAGE_SIZE + 1
) -> list[DictRow]:
    """The newest letters below an id; one more than a page tells that there is a next one."""
    return _execute(conn, SQL["page"], chosen.to_values(below=below, most=most))


def count(conn: Conn, chosen: LetterFilter) -> int:
    """How many letters there are, counted up to one more than ``COUNT_TO``."""
    row = _execute(conn, SQL["count"], chosen.to_values(below=None, most=COUNT_TO + 1))[0]
    return int(row["count"])


def list_errors(conn: Conn) -> list[str]:
    """The classes of error that letters have, by name."""
    return [row["error_class"] for row in conn.execute(SQL["errors"])]


def count_outcomes(conn: Conn, letter_ids: Sequence[int]) -> dict[str, int]:
    """Records of these letters by state; ``working`` while work is left for them."""
    rows = conn.execute(SQL["outcomes"], {"ids": list(letter_ids)})
    return {row["state"]: row["count"] for row in rows}


def find_newer_letter(conn: Conn, letter: DictRow) -> int | None:
    """The open letter that the same record left later, or None."""
    row = conn.execute(SQL["newer_letter"], {**_record_of(letter), "id": letter["id"]}).fetchone()
    return int(row["id"]) if row else None


def find_vendors(conn: Conn, letters: Sequence[DictRow]) -> dict[tuple[str, str], str]:
    """Names of the vendors of these letters' bills, by tenant and bill id; only those we know."""
    bills = [(one["tenant"], one["bill_id"]) for one in letters if one["kind"] == "bill"]
    values = {"tenants": [tenant for tenant, _ in bills], "bill_ids": [bill_id for _, bill_id in bills]}
    return {(row["tenant"], row["bill_id"]): row["label"] for row in conn.execute(SQL["vendors"], values)}


def _record_of(letter: DictRow) -> dict[str, Any]:
    return {name: letter[name] for name in ("tenant", "kind", "bill_id")}


def _execute(conn: Conn, statement: bytes, values: dict[str, Any]) -> list[DictRow]:
    """Planned for these values: one plan for every filter would read the whole table for some."""
    return conn.execute(statement, values, prepare=False).fetchall()
