"""Cuts never break a letter, and change nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.mapping.text import cut, shorten_line

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        pytest.param("abcdef", 3, "abc", id="plain"),
        pytest.param("abc", 3, "abc", id="fits"),
        pytest.param("abe\u0301f", 3, "ab", id="not between a letter and its accent"),
        pytest.param("ab\U0001f44b\U0001f3fdf", 3, "ab", id="not before a skin tone"),
        pytest.param("a\U0001f469\u200d\U0001f4bb", 2, "a", id="not before a joiner"),
        pytest.param("a\U0001f469\u200d\U0001f4bb", 3, "a", id="not after a joiner"),
        pytest.param("\U0001f1f8\U0001f1ea\U0001f1e9\U0001f1f0", 3, "\U0001f1f8\U0001f1ea", id="whole flags"),
        pytest.param("a\u1112\u1161\u11ab", 3, "a", id="whole Korean syllables"),
        pytest.param("e" + "\u0301" * 9, 4, "e\u0301\u0301\u0301", id="a letter longer than the limit"),
    ],
)
def test_cut(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@given(st.text(), st.integers(1, 80))
def test_a_cut_is_the_beginning_and_no_longer_than_allowed(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert text.startswith(short)
    assert len(short) <= limit
    assert short == text or short


@given(st.text(alphabet=st.characters(exclude_categories=("M", "Cs", "Cf", "So", "Sk", "Lo")), min_size=61))
def test_ordinary_letters_fill_the_limit(text: str) -> None:
    assert len(cut(text, 60)) == 60


@given(st.text(alphabet="abcåäö", min_size=1, max_size=9), st.integers(1, 18))
def test_a_cut_never_takes_the_accent_off_a_letter(text: str, limit: int) -> None:
    spelled = unicodedata.normalize("NFD", text)
    short = unicodedata.normalize("NFC", cut(spelled, limit))
    assert text.startswith(short) or limit == 1


def test_a_line_of_256_stays_and_a_longer_one_ends_in_an_ellipsis() -> None:
    assert shorten_line("x" * 256) == "x" * 256
    assert shorten_line("x" * 257) == "x" * 255 + "…"
