from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.workers.close.proofs import make_proof, side
from workers.close.models import Proof
from workers.close.sheet import BOM, COLUMNS, harmless, write_sheet

pytestmark = pytest.mark.unit


def read(proof: Proof) -> list[dict[str, str]]:
    text = write_sheet(proof)
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline="")))


@pytest.mark.parametrize(
    "name", ["=1+1", "+46 8", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0"]
)
def test_no_name_is_a_formula(name: str) -> None:
    proof = make_proof(1, differs=False)
    proof.sides = [replace(proof.sides[0], supplier=name, reference=name, visma_status=name)]
    (row,) = read(proof)
    for column in ("supplier", "reference", "visma_status"):
        assert row[column] == f"'{name}"
    assert harmless("A-1") == "A-1"


def test_each_bill_is_a_line_with_exact_amounts_and_what_differs() -> None:
    proof = make_proof(2)
    proof.sides[0] = replace(side(1), bill_amount=Decimal("-1234567890123456789.125"))
    rows = read(proof)
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["bill_amount"] == "-1234567890123456789.125"
    assert [row["verdict"] for row in rows] == [
        "equal", "equal", "missing in Visma", "differs", "missing in BILL",
    ]  # fmt: skip
    assert rows[3]["differences"] == "amount: BILL 54.32 SEK, Visma 17.50 SEK"
    assert (rows[2]["visma_amount"], rows[0]["differences"]) == ("", "")
