"""JSON text to values and back: numbers exact, text as a database can hold it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import jsontext

pytestmark = pytest.mark.unit

_LETTERS = st.characters(exclude_categories=()) | st.sampled_from('\x00\ud800\udfff\\u/"Åø😀')
_TEXTS = st.text(_LETTERS, max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


def _holdable(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, list):
        return all(map(_holdable, value))
    if isinstance(value, dict):
        return all(_holdable(key) and _holdable(item) for key, item in value.items())
    return True


@given(_VALUES)
def test_nothing_comes_out_that_a_database_cannot_hold(value: Any) -> None:
    escaped = json.dumps(value)
    for text in (escaped, escaped.encode(), json.dumps(value, ensure_ascii=False)):
        assert _holdable(jsontext.loads(text))


@given(_VALUES.filter(_holdable))
def test_what_can_be_held_comes_out_as_it_went_in(value: Any) -> None:
    assert jsontext.loads(json.dumps(value)) == value
    assert jsontext.loads(jsontext.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'"a\\u0000b"', "ab"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\uD83d!"', "\ufffd!"),
        (b'{"\\u0000k": "\\udead"}', {"k": "\ufffd"}),
        (b'"\\\\u0000"', "\\u0000"),
        (b"12.50", Decimal("12.50")),
    ],
)
def test_escapes_and_numbers(text: bytes, expected: Any) -> None:
    found = jsontext.loads(text)
    assert found == expected
    assert str(found) == str(expected)


def _nested(depth: int) -> bytes:
    return b'[{"a":' * (depth // 2) + b"[" * (depth % 2) + b"]" * (depth % 2) + b"}]" * (depth // 2)


def test_what_nests_less_is_read() -> None:
    assert jsontext.dumps(jsontext.loads(_nested(99))).encode() == _nested(99)


@pytest.mark.parametrize(
    "text", [b'"\x00"', b'"\xff"', b'"\xed\xa0\x80"', b"[1,", b"[" * 100_000, _nested(101)]
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        jsontext.loads(text)
