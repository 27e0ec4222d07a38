"""BILL's filters, sorting and cursors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.sandbox.bill.errors import Refusal
from deploy.sandbox.bill.filters import (
    BILL_FILTERS,
    BILL_SORTS,
    VENDOR_FILTERS,
    parse_filters,
    parse_sort,
    parse_time,
    sort_entries,
    split_outside_quotes,
)
from deploy.sandbox.bill.models import Entry
from deploy.sandbox.bill.paging import Cursor, parse_cursor, parse_max

pytestmark = pytest.mark.unit

_NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _entry(id: str = "00n1", updated_at: datetime = _NOON, archived: bool = False, **body: Any) -> Entry:
    return Entry(id, body, _NOON, updated_at, updated_at, archived)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ('updatedTime:gte:"2026-03-01T12:00:00.000Z"', True),
        ("updatedTime:gte:2026-03-01T12:00:00.000Z", True),
        ("updatedTime:gt:2026-03-01T12:00:00.000Z", False),
        ("updatedTime:lte:2026-03-01T13:00:00.000+01:00", True),
        ("updatedTime:lt:2026-03-02", True),
        ("updatedTime:gte:2026-03-01T12:01Z", False),
        ('vendorId:in:"009A,009B"', True),
        ("vendorId:eq:009A", True),
        ('vendorId:in:"009B,009C"', False),
        ("archived:eq:false", True),
        ("archived:ne:false", False),
        ("dueDate:gt:2026-03-30,dueDate:lte:2026-03-31", True),
        ("dueDate:gt:2026-03-30,archived:eq:true", False),
        ("paymentStatus:ne:PAID", True),
        ("classifications.departmentId:eq:0deX", False),
        ("classifications.departmentId:nin:0deX", True),
        ("", True),
    ],
)
def test_filters_choose_rows(text: str, matches: bool) -> None:
    entry = _entry(vendorId="009A", dueDate="2026-03-31", paymentStatus="UNPAID")
    conditions = parse_filters(text, BILL_FILTERS)
    assert all(condition.holds(entry) for condition in conditions) is matches


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("approvalStatus:eq:APPROVED", "BDC_1130"),
        ("invoice.invoiceNumber:eq:1", "BDC_1130"),
        ("amount:gt:5", "BDC_1130"),
        ("lastModifiedDateTime:gt:2026-01-01", "BDC_1130"),
        ("updatedTime:eq:2026-01-01", "BDC_1131"),
        ("vendorId:ne:009A", "BDC_1131"),
        ("updatedTime:gte:yesterday", "BDC_1129"),
        ("updatedTime:gte", "BDC_1129"),
        ("archived:eq:maybe", "BDC_1129"),
    ],
)
def test_what_the_whitelist_does_not_have_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_filters(text, BILL_FILTERS)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_a_name_starts_with_a_quoted_value_that_holds_separators() -> None:
    (condition,) = parse_filters('name:sw:"Ek, Alm: "', VENDOR_FILTERS)
    assert condition.holds(_entry(name="Ek, Alm: & Co"))
    assert not condition.holds(_entry(name="ek, alm: & co"))


@given(st.lists(st.text(alphabet="ab:", max_size=5).map(lambda text: f'"{text},"'), min_size=1))
def test_commas_in_quotes_never_split(parts: list[str]) -> None:
    assert split_outside_quotes(",".join(parts), ",") == parts


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T12:00:00.000+00:00", "2026-03-01T12:00:00Z", "2026-03-01T12:00Z", "2026-03-01T14:00+02:00"],
)
def test_every_documented_time_form_is_read(text: str) -> None:
    assert parse_time(text) == _NOON


def test_sorting_by_several_fields_keeps_ties_in_order() -> None:
    rows = [_entry("a", _NOON + timedelta(seconds=1)), _entry("b"), _entry("c", archived=True), _entry("d")]
    sort_entries(rows, parse_sort("archived:desc,updatedTime:asc", BILL_SORTS))
    assert [row.id for row in rows] == ["c", "b", "d", "a"]


@pytest.mark.parametrize("text", ["invoiceNumber:asc", "updatedTime:up", "approvalStatus"])
def test_unknown_orders_are_refused(text: str) -> None:
    with pytest.raises(Refusal):
        parse_sort(text, BILL_SORTS)


@given(st.integers(0, 10**6), st.text(max_size=30), st.text(max_size=30))
def test_a_cursor_survives_its_opaque_form(start: int, filters: str, sort: str) -> None:
    cursor = Cursor("bills", start, filters, sort, 12.5)
    assert parse_cursor(cursor.text(), "bills") == cursor
    assert cursor.text().replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("text", ["", "nonsense", "W10", Cursor("vendors", 0, "", "", 0.0).text()])
def test_a_cursor_of_another_list_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_cursor(text, "bills")
    assert refused.value.code == "BDC_1129"


@pytest.mark.parametrize(("query", "size"), [({}, 20), ({"max": "1"}, 1), ({"max": "100"}, 100)])
def test_page_sizes(query: dict[str, str], size: int) -> None:
    assert parse_max(query) == size


@pytest.mark.parametrize("text", ["0", "101", "-1", "", "ten", "²"])
def test_bad_page_sizes_are_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_max({"max": text})
    assert refused.value.status == 400
