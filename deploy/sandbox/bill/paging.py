"""Lists in pages with opaque cursors (BILL reference: list semantics)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from deploy.sandbox.bill.errors import bad_parameter
from deploy.sandbox.bill.filters import Field, parse_filters, parse_sort, sort_entries
from deploy.sandbox.bill.models import Entry, Organization, Shelf
from deploy.sandbox.jsonio import Json, dumps, loads
from deploy.sandbox.wire import Call

DEFAULT_MAX = 20
LARGEST_MAX = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands. It carries the walk's own filters and order, so both may be left out."""

    kind: str
    start: int
    filters: str
    sort: str
    issued_at: float

    def text(self) -> str:
        """The opaque form."""
        packed = dumps([self.kind, self.start, self.filters, self.sort, str(self.issued_at)])
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def parse_cursor(text: str, kind: str) -> Cursor:
    """The cursor behind its opaque form; raises Refusal for anything we did not hand out for this list."""
    try:
        padded = text + "=" * (-len(text) % 4)
        found, start, filters, sort, issued_at = loads(base64.urlsafe_b64decode(padded))
        cursor = Cursor(found, start, filters, sort, float(issued_at))
    except (ValueError, TypeError, binascii.Error) as error:
        raise bad_parameter("page") from error
    if cursor.kind != kind or not isinstance(start, int) or start < 0:
        raise bad_parameter("page")
    return cursor


def parse_max(query: Mapping[str, str]) -> int:
    """The page size: 1 to 100, 20 by default; raises Refusal."""
    text = query.get("max", str(DEFAULT_MAX))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_MAX:
        raise bad_parameter("max")
    return int(text)


@dataclass(frozen=True, slots=True)
class Listing:
    """A listable kind: its whitelist and how one row is shown."""

    kind: str
    filters: dict[str, Field]
    sorts: frozenset[str]


def list_page(
    call: Call, org: Organization, shelf: Shelf, listing: Listing, show: Callable[[Entry], object]
) -> Json:
    """One page of a list, live: rows that change between two pages may be skipped or seen twice."""
    size = parse_max(call.query)
    cursor = _cursor_of(call, org, listing.kind)
    rows = _rows(shelf, listing, cursor, org, call.received_at)
    end = cursor.start + size
    if "empty_page" in call.tricks:
        return {"results": [], "nextPage": cursor.text()}
    page: Json = {"results": [show(entry) for entry in rows[cursor.start : end]]}
    if end < len(rows):
        page["nextPage"] = _moved(cursor, end, call.received_at)
    if cursor.start > 0:
        page["prevPage"] = _moved(cursor, max(0, cursor.start - size), call.received_at)
    return page


def _cursor_of(call: Call, org: Organization, kind: str) -> Cursor:
    page = call.query.get("page")
    if not page:
        return Cursor(kind, 0, call.query.get("filters", ""), call.query.get("sort", ""), 0.0)
    cursor = parse_cursor(page, kind)
    life_s = org.settings.cursor_life_s
    too_old = life_s > 0 and call.received_at.timestamp() - cursor.issued_at > life_s
    if too_old or "expire_cursor" in call.tricks:
        raise bad_parameter("page")
    return cursor


def _rows(shelf: Shelf, listing: Listing, cursor: Cursor, org: Organization, now: datetime) -> list[Entry]:
    conditions = parse_filters(cursor.filters, listing.filters)
    order = parse_sort(cursor.sort, listing.sorts)
    late = org.settings.visibility_lag_s > 0

    def build() -> list[Entry]:
        rows = [
            entry
            for entry in shelf.rows.values()
            if (not late or entry.visible_at <= now)
            and all(condition.holds(entry) for condition in conditions)
        ]
        sort_entries(rows, order)
        return rows

    return build() if late else shelf.view((conditions, order), build)


def _moved(cursor: Cursor, start: int, now: datetime) -> str:
    return Cursor(cursor.kind, start, cursor.filters, cursor.sort, now.timestamp()).text()
