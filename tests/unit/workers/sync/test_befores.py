"""What Visma showed before a merge where an update has no answer: Visma tells, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from shared.fields import Fields
from shared.visma.models import SupplierInvoiceLine
from workers.sync.befores import _find_lines_before, find_fields_before

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
    ids=["it did not happen", "it did", "and a person edited since", "a person was quicker"],
)
def test_fields(actual: Fields, before: Fields) -> None:
    assert find_fields_before(KEPT, SENT, actual) == before


def line(number: int, **fields: Any) -> SupplierInvoiceLine:
    return SupplierInvoiceLine(number, Decimal(1), fields)


@pytest.mark.parametrize(
    ("kept", "sent", "shown", "before"),
    [
        ([{"a": "1"}], [{"a": "1"}, {"a": "2"}], [line(1, a="1"), line(2, a="2")], [{"a": "1"}, {"a": "2"}]),
        ([{"a": "1"}], [{"a": "1"}, {"a": "2"}], [line(1, a="1")], [{"a": "1"}]),
        ([{"a": "1"}], [{"a": "2"}], [line(1, a="2")], [{"a": "2"}]),
        ([{"a": "1"}], [{"a": "2"}], [line(1, a="2"), line(2, a="3")], [{"a": "1"}]),
    ],
    ids=["a new line came", "a new line did not", "a line changed", "a person's line"],
)
def test_lines(
    kept: list[Fields], sent: list[Fields], shown: Sequence[SupplierInvoiceLine], before: list[Fields]
) -> None:
    assert list(_find_lines_before(kept, sent, shown)) == before
