from __future__ import annotations

import pytest

from workers.sync.plan_line import Line, follow, line_of_state

pytestmark = pytest.mark.unit

CHANGE = {"field": "dueDate", "before": "2026-11-01", "after": "2026-12-01"}
OTHER = {"field": "hold", "before": True, "after": False}
WRITTEN = Line("update", "first", "1001", (CHANGE,))


@pytest.mark.parametrize(
    "state, line",
    [
        (("synced", None, None, "1001"), Line("none", None, "1001")),
        (("synced", None, None, "(new document, 1)"), Line("none", None, None)),
        (
            ("waiting", None, "approval status in BILL: NEW", None),
            Line("wait", "approval status in BILL: NEW"),
        ),
        (("pending", "vendor_first", "vendor A goes first", None), Line("wait", "vendor_first")),
        (("held", "no_supplier", "words", None), Line("hold", "no_supplier")),
        (("dead", None, "an error", "1001"), Line("hold", "dead", "1001")),
        (("ignored", None, "denied in BILL", None), Line("ignore", "denied in BILL")),
    ],
)
def test_a_record_that_is_left_as_it_is_is_told_by_its_state(
    state: tuple[str, str | None, str | None, str | None], line: Line
) -> None:
    assert line_of_state(*state) == line


@pytest.mark.parametrize(
    "earlier, later, whole",
    [
        (None, WRITTEN, WRITTEN),
        (Line("hold", "no_supplier"), WRITTEN, WRITTEN),
        (WRITTEN, Line("none"), WRITTEN),
        (WRITTEN, Line("none", "told; first"), Line("update", "first; told", "1001", (CHANGE,))),
        (WRITTEN, Line("hold", "doubled"), Line("update", "first; doubled", "1001", (CHANGE,))),
        (WRITTEN, Line("update", "then", "1001", (OTHER,)), Line("update", "then", "1001", (CHANGE, OTHER))),
        (Line("create", None, None, (CHANGE,)), WRITTEN, Line("create", "first", "1001", (CHANGE, CHANGE))),
        (Line("none", "linked"), Line("none", "left"), Line("none", "linked; left")),
    ],
)
def test_what_would_have_been_written_stays_said(earlier: Line | None, later: Line, whole: Line) -> None:
    assert follow(earlier, later) == whole


def test_a_line_survives_the_table_that_keeps_it() -> None:
    assert Line.from_json(WRITTEN.to_json()) == WRITTEN
