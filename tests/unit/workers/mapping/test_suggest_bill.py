"""The lines that free one held bill."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.bill.models import BillLine, Classification
from shared.tenants import SegmentMapping
from tests.unit.workers.samples import BILL, LISTS
from tests.unit.workers.samples import MAPPING as SAMPLE
from workers.mapping.codes import Codes
from workers.mapping.suggest_bill import suggest_for_bill

pytestmark = pytest.mark.unit

ACCOUNT = Classification("0ca9", "Lokalhyra", number="5010")
MAPPING = replace(SAMPLE, account=None, accounts={}, segments=())


def line(**classifications: str) -> BillLine:
    """A line with these classifications."""
    return replace(BILL.lines[0], classifications=classifications)


def test_an_account_without_an_entry_comes_with_its_line_once() -> None:
    bill = replace(
        BILL, lines=(line(chartOfAccountId="0ca9"), line(chartOfAccountId="0ca9")), classifications={}
    )
    (missing,) = suggest_for_bill(bill, MAPPING, Codes({"chartOfAccountId": {"0ca9": ACCOUNT}}), LISTS)
    assert missing.header == "[mapping.accounts]"
    (entry,) = missing.lines
    assert entry.startswith(('"0ca9" = "5010"', '# "0ca9" = ""'))
    assert missing.without_id is None


def test_what_has_an_entry_or_a_default_is_left_out() -> None:
    bill = replace(BILL, lines=(line(chartOfAccountId="0ca9"),), classifications={})
    codes = Codes({"chartOfAccountId": {"0ca9": ACCOUNT}})
    for mapping in (replace(MAPPING, account="4000"), replace(MAPPING, accounts={"5010": "5010"})):
        assert suggest_for_bill(bill, mapping, codes, LISTS) == ()


def test_a_line_without_a_code_is_told_what_to_do_instead() -> None:
    bill = replace(BILL, lines=(line(),), classifications={})
    mapping = replace(MAPPING, account="4000", segments=(SegmentMapping(1, "departmentId"),))
    (missing,) = suggest_for_bill(bill, mapping, Codes(), LISTS)
    assert missing.lines == ()
    assert missing.without_id is not None
    assert "no departmentId in BILL" in missing.without_id and "segment 1" in missing.without_id
