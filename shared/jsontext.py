"""JSON whose numbers survive: Decimal from the text and Decimal to the text, never a float.

Also the one place that decides what to do with text no database and no ledger can hold: NUL is
dropped and a lone surrogate becomes U+FFFD, in keys and values.
"""

from __future__ import annotations

import re
from typing import Any

import simplejson

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(text: str | bytes) -> Any:
    """Parse JSON with Decimal numbers.

    Raises ValueError on anything that is not JSON, on bytes that are not UTF-8, and on nesting too
    deep to follow.
    """
    try:
        return _clean(simplejson.loads(text, use_decimal=True))
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    except ArithmeticError as error:  # an exponent that even Decimal cannot hold
        raise ValueError("a number in the JSON is out of all bounds") from error


def dumps(value: Any) -> str:
    """Write JSON without spaces; Decimals with exactly their digits, letters as themselves."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(item) for key, item in value.items()}
    return value


def clean_text(text: str) -> str:
    """Text as PostgreSQL and UTF-8 can hold it; all other letters byte for byte."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\x00", ""))
