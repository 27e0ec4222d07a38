from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cli import output
from workers.cli.reasons import REASONS, STATES, WAITS, advise

pytestmark = pytest.mark.unit

CODES = [
    "no_supplier",
    "ambiguous_supplier",
    "supplier_taken",
    "vendor_held",
    "foreign_vat",
    "currency_mismatch",
    "unknown_currency",
    "no_exchange_rate",
    "unmapped_account",
    "inactive_account",
    "unmapped_segment",
    "unknown_segment_value",
    "unknown_vat_category",
    "period_missing",
    "period_closed",
    "missing_reference",
    "zero_amount",
    "mixed_signs",
    "amount_mismatch",
    "duplicate_reference",
    "doubled",
    "adopted_changed",
    "edited_in_visma",
    "invoice_released",
    "archived_paid",
    "not_in_bill",
]


@given(st.text())
def test_what_is_shown_never_steers_a_terminal(text: str) -> None:
    shown = output.clean(text)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in shown)


def test_names_in_any_letters_reach_a_table_whole(capsys: pytest.CaptureFixture[str]) -> None:
    name = "Åse [bold]Ørsted[/] 東京 " + "x" * 200
    output.print_table(("name",), [(name,)], empty="none")
    assert name in capsys.readouterr().out


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("name",), [], empty="none yet")
    assert capsys.readouterr().out == "none yet\n"


def test_json_keeps_amounts_exact_and_times_in_utc(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    at = datetime(2026, 5, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    output.print_json([{"at": at, "total": Decimal("0.10"), "name": "Åse"}])
    raw = capsysbinary.readouterr().out
    assert b'"total":0.10' in raw
    assert json.loads(raw)[0] == {"at": "2026-05-01T12:00:00+00:00", "total": 0.1, "name": "Åse"}


def test_facts_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_facts([("state", "held"), ("detail", None), ("at", datetime(2026, 5, 1, tzinfo=UTC))])
    shown = capsys.readouterr().out
    assert "detail" not in shown
    assert "2026-05-01 00:00:00Z" in shown


def test_every_reason_code_is_told_in_plain_words() -> None:
    assert set(REASONS) == set(CODES)
    for advice in (*REASONS.values(), *STATES.values(), *WAITS.values()):
        assert advice.meaning.endswith(".")
        assert advice.next_step.endswith(".")


@pytest.mark.parametrize(
    "state, reason, meaning",
    [
        ("held", "zero_amount", REASONS["zero_amount"]),
        ("held", "from_a_newer_release", STATES["held"]),
        ("pending", "zero_amount", STATES["pending"]),
        ("pending", "vendor_first", WAITS["vendor_first"]),
        ("synced", None, STATES["synced"]),
    ],
)
def test_advice_follows_state_and_reason(state: str, reason: str | None, meaning: object) -> None:
    assert advise(state, reason) is meaning
