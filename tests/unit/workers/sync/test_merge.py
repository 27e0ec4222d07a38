"""Three-way merges: nothing twice, nobody overruled, nothing doubled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.fields import Change, Fields, FieldValue
from shared.visma.models import LineChange, SupplierInvoiceLine
from workers.mapping.equality import same_value
from workers.sync.merge import (
    LineMerge,
    Merge,
    find_settled_differences,
    merge_fields,
    merge_lines,
    merge_supplier,
    must_recreate,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "desired", "actual", "sent", "conflicts"),
    [
        pytest.param("a", "a", "a", False, 0, id="nothing changed"),
        pytest.param("a", "b", "a", True, 0, id="BILL changed"),
        pytest.param("a", "a", "x", False, 0, id="a person changed"),
        pytest.param("a", "b", "x", False, 1, id="both changed"),
        pytest.param("a", "b", "b", False, 0, id="both changed alike, or our answer was lost"),
        pytest.param("a", "b", None, False, 1, id="a person emptied it"),
        pytest.param(None, "b", None, True, 0, id="new in BILL"),
        pytest.param(None, "b", "", True, 0, id="empty is as absent"),
        pytest.param("a", "b", "a  \n", True, 0, id="trailing spaces do not count"),
        pytest.param("a\nb", "c", "a\r\nb", True, 0, id="nor do line ends"),
        pytest.param("a", " a", "a", True, 0, id="leading spaces do"),
        pytest.param(Decimal("1.50"), Decimal("1.5"), Decimal("2"), False, 0, id="numbers by value"),
        pytest.param(Decimal("1"), Decimal("2"), Decimal("1.0000"), True, 0, id="Visma's decimals"),
        pytest.param(True, False, True, True, 0, id="flags"),
        pytest.param(Decimal(1), True, Decimal(1), True, 0, id="a flag is no number"),
    ],
)
def test_one_field(
    written: FieldValue, desired: FieldValue, actual: FieldValue, sent: bool, conflicts: int
) -> None:
    merge = merge_fields({"description": written}, {"description": desired}, {"description": actual})
    assert dict(merge.to_send) == ({"description": desired} if sent else {})
    assert merge.changes == ((Change("description", actual, desired),) if sent else ())
    assert len(merge.conflicts) == conflicts


def test_dates_are_compared_as_days() -> None:
    shown = {"date": "2026-03-15T00:00:00", "description": "2026-03-15T00:00:00"}
    same = {"date": "2026-03-15", "description": "2026-03-15"}
    assert [conflict.field for conflict in merge_fields({}, same, shown).conflicts] == ["description"]


def test_a_conflict_tells_both_values() -> None:
    (conflict,) = merge_fields(
        {"dueDate": "2026-01-01"}, {"dueDate": "2026-02-01"}, {"dueDate": "2026-03-01"}
    ).conflicts
    assert str(conflict) == "dueDate: BILL 2026-02-01, Visma 2026-03-01"


def test_a_field_that_is_no_longer_asked_for_is_left() -> None:
    assert merge_fields({"branchNumber": "1"}, {}, {"branchNumber": "1"}) == Merge({})


NAMES = ["name", "description", "dueDate", "note", "mainAddress.city", "currencyId"]
VALUES = st.sampled_from([None, "", "a", "b ", "b", "c", Decimal("1.0"), Decimal("1"), True, False])
FIELDS = st.dictionaries(st.sampled_from(NAMES), VALUES)


@given(FIELDS, FIELDS, FIELDS)
def test_properties_of_a_merge(written: Fields, desired: Fields, actual: Fields) -> None:
    merge = merge_fields(written, desired, actual)
    for name, value in merge.to_send.items():
        assert not same_value(name, value, actual.get(name))  # never what is already there
        assert same_value(name, actual.get(name), written.get(name))  # never over a person's edit
    for name in {*desired} - {*merge.to_send}:
        assert (
            same_value(name, desired[name], written.get(name))
            or same_value(name, desired[name], actual.get(name))
            or name in {conflict.field for conflict in merge.conflicts}
        )
    assert not merge_fields(written, desired, {**actual, **merge.to_send}).to_send  # the answer was lost
    assert merge_fields(desired, desired, {**actual, **merge.to_send}) == Merge({}, written=desired)


@given(FIELDS, FIELDS, FIELDS, st.booleans(), st.booleans())
def test_merging_a_supplier_twice_sends_once(
    written: Fields, desired: Fields, actual: Fields, may_clear: bool, first_link: bool
) -> None:
    once = merge_supplier(written, desired, actual, may_clear=may_clear, first_link=first_link)
    assume(not once.conflicts)
    shown = {**actual, **once.to_send}
    again = merge_supplier(once.written, desired, shown, may_clear=may_clear)
    assert (dict(again.to_send), again.conflicts, again.noted) == ({}, (), ())


CITY, PHONE = "mainAddress.city", "mainContact.phone1"


@pytest.mark.parametrize(
    ("written", "desired", "actual", "options", "expected", "noted"),
    [
        pytest.param(
            {}, {"corporateId": "1"}, {}, {}, {"corporateId": "1"}, 0, id="settled, Visma's is empty"
        ),
        pytest.param(
            {}, {"corporateId": "1"}, {"corporateId": "2"}, {}, {}, 1, id="settled, filled in: noted"
        ),
        pytest.param(
            {"currencyId": "SEK"},
            {"currencyId": "EUR"},
            {"currencyId": "SEK"},
            {},
            {},
            1,
            id="a later difference",
        ),
        pytest.param({CITY: "A"}, {}, {CITY: "A"}, {}, {CITY: None}, 0, id="BILL omits it: cleared"),
        pytest.param(
            {CITY: "A"}, {}, {CITY: "A"}, {"may_clear": False}, {}, 0, id="a notification never clears"
        ),
        pytest.param({CITY: "A"}, {}, {}, {}, {}, 0, id="cleared already"),
        pytest.param({}, {}, {CITY: "Anna's"}, {}, {}, 0, id="not ours, never cleared"),
        pytest.param(
            {"name": "A", "status": "Active"}, {}, {"name": "A"}, {}, {}, 0, id="name is never cleared"
        ),
        pytest.param(
            {"currencyId": "SEK"}, {}, {"currencyId": "SEK"}, {}, {}, 0, id="a settled field is never cleared"
        ),
        pytest.param(
            {},
            {"name": "B", CITY: "B", PHONE: "1"},
            {"name": "A", CITY: "A"},
            {"first_link": True},
            {PHONE: "1"},
            2,
            id="first link fills in and overrules nothing",
        ),
    ],
)
def test_a_supplier(
    written: Fields, desired: Fields, actual: Fields, options: dict[str, bool], expected: Fields, noted: int
) -> None:
    merge = merge_supplier(written, desired, actual, **{"may_clear": True, **options})
    assert (merge.to_send, len(merge.noted), merge.conflicts) == (expected, noted, ())


def test_what_a_notification_leaves_out_can_still_be_cleared_later() -> None:
    written = {CITY: "A", PHONE: "1"}
    seen = merge_supplier(written, {CITY: "B"}, {CITY: "A", PHONE: "1"}, may_clear=False)
    assert seen.written == {CITY: "B", PHONE: "1"}
    whole = merge_supplier(seen.written, {CITY: "B"}, {CITY: "B", PHONE: "1"}, may_clear=True)
    assert (whole.to_send, whole.written) == ({PHONE: None}, {CITY: "B"})


def test_cleared_by_us_and_edited_by_a_person_is_a_conflict() -> None:
    merge = merge_supplier({CITY: "A"}, {}, {CITY: "X"}, may_clear=True)
    assert [str(conflict) for conflict in merge.conflicts] == [f"{CITY}: BILL nothing, Visma X"]


def test_settled_differences_for_the_plan() -> None:
    desired = {"currencyId": "EUR", "corporateId": "1", "name": "B"}
    assert find_settled_differences(desired, {"currencyId": "SEK", "corporateId": "1 ", "name": "A"}) == (
        Change("currencyId", "SEK", "EUR"),
    )


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ({}, False),
        ({"documentType": "DebitAdj"}, True),
        ({"supplierNumber": "2"}, True),
        ({"date": "x"}, False),
    ],
)
def test_must_recreate(changed: dict[str, str], anew: bool) -> None:
    header = {"documentType": "Invoice", "supplierNumber": "1", "date": "2026-01-01"}
    assert must_recreate(header, {**header, **changed}) is anew


def line(text: str, cost: str = "1.00", **more: FieldValue) -> dict[str, FieldValue]:
    """A line's fields."""
    return {"transactionDescription": text, "unitCostInCurrency": Decimal(cost), **more}


def shown(*lines: dict[str, Any], numbers: tuple[int, ...] | None = None) -> tuple[SupplierInvoiceLine, ...]:
    """The lines as Visma shows them."""
    return tuple(
        SupplierInvoiceLine(number, Decimal(1), fields)
        for number, fields in zip(numbers or range(1, len(lines) + 1), lines, strict=True)
    )


A, B, C, D = line("a"), line("b"), line("c"), line("d")


@pytest.mark.parametrize(
    ("written", "desired", "actual", "changes"),
    [
        pytest.param([A, B], [A, B], shown(A, B), [], id="nothing changed"),
        pytest.param(
            [A, B],
            [A, line("b", "2.00")],
            shown(A, B),
            [LineChange("Update", 2, {"unitCostInCurrency": Decimal("2.00")})],
            id="only the field that changed",
        ),
        pytest.param(
            [A, B],
            [C, B],
            shown(B, A, numbers=(30, 10)),
            [LineChange("Update", 10, {"transactionDescription": "c"})],
            id="paired by position, by Visma's numbers",
        ),
        pytest.param([A], [A, C], shown(A), [LineChange("Insert", None, C)], id="a new line"),
        pytest.param([A], [A, C], shown(A, C), [], id="a new line that is there already"),
        pytest.param([A, B], [A], shown(A, B), [LineChange("Delete", 2, {})], id="a line gone"),
        pytest.param([A, B], [A], shown(A), [], id="a line that is gone already"),
        pytest.param([A, B], [A, B], shown(A, {**B, "note": "Anna"}), [], id="a person's note stays"),
        pytest.param(
            [A, B], [A, B], shown(A, {**B, "unitCostInCurrency": Decimal(9)}), [], id="their edit too"
        ),
        pytest.param(
            [line("a", **{"subaccount.1": "1", "subaccount.2": "x"})],
            [line("a", **{"subaccount.1": "2", "subaccount.2": "x"})],
            shown(line("a", **{"subaccount.1": "1", "subaccount.2": "anna"})),
            [LineChange("Update", 1, {"subaccount.1": "2", "subaccount.2": "anna"})],
            id="all segments go along as they stand",
        ),
    ],
)
def test_lines(
    written: list[Fields],
    desired: list[Fields],
    actual: tuple[SupplierInvoiceLine, ...],
    changes: list[LineChange],
) -> None:
    merge = merge_lines(written, desired, actual)
    assert (list(merge.changes), merge.conflicts) == (changes, ())
    assert bool(merge.fields) is bool(changes)


@pytest.mark.parametrize(
    ("written", "desired", "actual", "told"),
    [
        pytest.param([A], [C], shown(A, D), "a line that we did not write", id="a person's line"),
        pytest.param([A, B], [C, B], shown(B), "a line of ours gone", id="a line that a person removed"),
        pytest.param(
            [A], [A, C], shown(A, D), "a line that we did not write", id="as many as wanted, not ours"
        ),
        pytest.param([A], [C], shown(D), "line 1 transactionDescription", id="both changed the same field"),
        pytest.param(
            [A, B], [A], shown(A, D), "line 2 transactionDescription", id="gone in BILL, edited in Visma"
        ),
    ],
)
def test_line_conflicts(
    written: list[Fields], desired: list[Fields], actual: tuple[SupplierInvoiceLine, ...], told: str
) -> None:
    merge = merge_lines(written, desired, actual)
    assert not merge.changes
    assert told in "; ".join(map(str, merge.conflicts))


LINES = st.lists(st.builds(line, st.sampled_from("abc"), st.sampled_from(["1.00", "2"])), max_size=4)


def applied(actual: tuple[SupplierInvoiceLine, ...], merge: LineMerge) -> tuple[SupplierInvoiceLine, ...]:
    """The lines after Visma took the changes."""
    rows = {each.number: dict(each.fields) for each in actual}
    for change in merge.changes:
        if change.operation == "Insert":
            rows[max(rows, default=0) + 1] = dict(change.fields)
        elif change.operation == "Update":
            rows[change.line_number or 0].update(change.fields)
        else:
            del rows[change.line_number or 0]
    return shown(*rows.values(), numbers=tuple(rows)) if rows else ()


@given(LINES, LINES)
def test_lines_become_what_bill_has_and_a_repeat_changes_nothing(
    written: list[Fields], desired: list[Fields]
) -> None:
    actual = shown(*(dict(each) for each in written)) if written else ()
    after = applied(actual, merge_lines(written, desired, actual))
    assert [each.fields for each in after] == desired
    assert merge_lines(written, desired, after) == LineMerge()
    assert merge_lines(desired, desired, after) == LineMerge()


@given(LINES, LINES, LINES)
def test_a_persons_edit_is_never_overwritten(
    written: list[Fields], desired: list[Fields], edited: list[Fields]
) -> None:
    actual = shown(*(dict(each) for each in edited)) if edited else ()
    merge = merge_lines(written, desired, actual)
    for change in merge.changes:
        if change.operation == "Update":
            at = (change.line_number or 0) - 1
            assert all(same_value(name, edited[at][name], written[at][name]) for name in change.fields)
        elif change.operation == "Delete":
            assert edited[(change.line_number or 0) - 1] == written[(change.line_number or 0) - 1]
