"""What Visma showed before a merge where an update has no answer: Visma tells, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.fields import Fields, FieldValue
from shared.visma.models import SupplierInvoice, SupplierInvoiceLine
from workers.mapping.supplier_invoice import WrittenBody
from workers.sync.befores import (
    _find_lines_before,
    find_fields_before,
    read_body_before,
    read_fields_before,
)
from workers.sync.merge import merge_fields, merge_lines

pytestmark = pytest.mark.unit

KEPT, SENT = {"a": "1", "b": "1"}, {"a": "2", "b": "1", "c": "2"}


@pytest.mark.parametrize(
    ("actual", "before"),
    [
        ({"a": "1", "b": "1"}, KEPT),
        ({"a": "2", "b": "1", "c": "2"}, SENT),
        ({"a": "2", "b": "1", "c": "a person's"}, {"a": "2", "b": "1"}),
        ({"a": "a person's", "b": "a person's"}, KEPT),
    ],
    ids=["it did not happen", "it did", "it did, and a person edited", "a person edited"],
)
def test_fields(actual: Fields, before: Fields) -> None:
    assert find_fields_before(KEPT, SENT, actual) == before


def test_a_field_that_was_cleared_is_cleared() -> None:
    assert find_fields_before({"a": "1", "b": "1"}, {"b": "1"}, {"b": "1"}) == {"a": None, "b": "1"}


VALUES = st.sampled_from([None, "1", "2", "3"])
FIELDS = st.fixed_dictionaries({"a": VALUES, "b": VALUES})


def is_doubtful(name: str, kept: Fields, sent: Fields, actual: Fields) -> bool:
    """Whether a person edited a field that our unanswered update was to change."""
    return kept[name] != sent[name] and actual[name] not in (kept[name], sent[name])


@given(FIELDS, FIELDS, FIELDS, FIELDS)
def test_an_edit_beside_an_unanswered_update_is_told_unless_bill_says_the_same(
    kept: Fields, sent: Fields, actual: Fields, desired: Fields
) -> None:
    readings = read_fields_before(kept, sent, actual)
    told = {each.field for one in readings for each in merge_fields(one, desired, actual).conflicts}
    sure = [name for name in actual if not is_doubtful(name, kept, sent, actual)]
    assert {name for name in actual if name not in sure} - told <= {
        name for name in actual if desired[name] == actual[name] or actual[name] is None
    }
    assert [readings[0].get(name) for name in sure] == [readings[1].get(name) for name in sure]


@given(*[st.lists(FIELDS, min_size=1, max_size=3)] * 3)
def test_so_is_an_edit_of_a_line(kept: list[Fields], sent: list[Fields], edited: list[Fields]) -> None:
    shown = tuple(line(number, **each) for number, each in enumerate(edited, 1))
    merge, other = (
        merge_lines(one.lines, sent, shown)
        for one in read_body_before(body(kept), body(sent), document(shown))
    )
    told = bool(merge.conflicts or other.conflicts)
    for at, name in product(range(len(edited)), "ab"):
        ours = [value_at(lines, at, name) for lines in (kept, sent)]
        edit = edited[at][name] is not None and edited[at][name] not in ours
        assert told or not edit or ours[0] == ours[1]
        written = [each.fields for each in merge.changes if each.line_number == at + 1]
        assert told or not edit or not any(name in fields for fields in written)
    assert told or edited == sent or len(edited) in {len(kept), len(sent)}


def value_at(lines: Sequence[Fields], at: int, name: str) -> FieldValue:
    return lines[at][name] if at < len(lines) else None


def body(lines: Sequence[Fields]) -> WrittenBody:
    return WrittenBody({}, tuple(lines))


def document(lines: tuple[SupplierInvoiceLine, ...]) -> SupplierInvoice:
    return cast("SupplierInvoice", SimpleNamespace(fields={}, lines=lines))


def line(number: int, **fields: Any) -> SupplierInvoiceLine:
    return SupplierInvoiceLine(number, Decimal(1), fields)


@pytest.mark.parametrize(
    ("kept", "sent", "shown", "before"),
    [
        ([{"a": "1"}], [{"a": "1"}, {"a": "2"}], [line(1, a="1"), line(2, a="2")], [{"a": "1"}, {"a": "2"}]),
        ([{"a": "1"}], [{"a": "1"}, {"a": "2"}], [line(1, a="1")], [{"a": "1"}]),
        ([{"a": "1"}], [{"a": "2"}], [line(1, a="2")], [{"a": "2"}]),
        ([{"a": "1"}], [{"a": "2"}], [line(1, a="2"), line(2, a="3")], [{"a": "1"}]),
        ([{"a": "1"}], [{"a": "1"}, {"a": "2"}], [line(1, a="1"), line(2, a="3")], [{"a": "1"}, {"a": None}]),
        ([{"a": "1"}, {"a": "2"}], [{"a": "2"}], [line(1, a="1")], [{"a": "1"}]),
    ],
    ids=[
        "a new line came",
        "a new line did not",
        "a line changed",
        "a person's line",
        "a person's line in place of a new one",
        "a person deleted another line than we",
    ],
)
def test_lines(
    kept: list[Fields], sent: list[Fields], shown: Sequence[SupplierInvoiceLine], before: list[Fields]
) -> None:
    assert list(_find_lines_before(kept, sent, shown)) == before
