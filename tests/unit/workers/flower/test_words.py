from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared import errors
from workers.flower.letter_words import describe_letter, title_of
from workers.flower.words import age, clean_name, count_of, money, spoken

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (200_000, "2 days ago")],
)
def test_ages_are_said_in_their_largest_unit(seconds: int, said: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == said


def test_amounts_and_counts() -> None:
    assert [money(Decimal(text)) for text in ("1250", "1250.0", "0.125")] == ["1,250.00", "1,250.00", "0.125"]
    assert (count_of(1, "bill"), count_of(2000, "bill")) == ("1 bill", "2,000 bills")


def test_commands_are_shown_as_code_and_everything_else_escaped() -> None:
    assert spoken("run `a <b>` & go") == "run <code>a &lt;b&gt;</code> &amp; go"
    assert spoken("one ` alone") == "one ` alone"


def test_whoever_acts_is_one_short_line() -> None:
    assert clean_name("anna\nek\x1b") == "anna ek\ufffd"
    assert (clean_name(""), len(clean_name("a" * 500))) == ("unknown", 60)


def test_every_error_a_letter_can_have_is_told_in_words() -> None:
    letter = {"task": "connector.upsert_supplier", "raw": None}
    kinds = [errors.Refused, errors.NotFound, errors.PoisonRecord, errors.OutcomeUnknown, errors.Permanent,
             errors.Retryable, errors.Unavailable, errors.PreconditionFailed]  # fmt: skip
    titles = [describe_letter({**letter, "error_class": kind.__name__}).title for kind in kinds]
    assert "Error in the connector" not in titles
    assert describe_letter({**letter, "error_class": "KeyError"}).title == "Error in the connector"
    assert describe_letter({**letter, "error_class": "KeyError", "raw": b"x"}).title == "Unreadable webhook"
    assert title_of("KeyError") == "Error in the connector (KeyError)"
    assert (title_of("Unavailable"), title_of("Refused")) == ("No answer (Unavailable)", "Refused by Visma")
