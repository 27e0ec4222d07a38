"""JSON whose numbers survive: Decimal from the text and Decimal to the text, never a float.

Also the one place that decides what to do with text no database and no ledger can hold: NUL is
dropped and a lone surrogate becomes U+FFFD, in keys and values.
"""

from __future__ import annotations

import re
from typing import Any

import simplejson

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 100
_CONTAINERS = (dict, list)
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def loads(text: str | bytes) -> Any:
    """Parse JSON with Decimal numbers.

    Raises ValueError on anything that is not JSON, on bytes that are not UTF-8, and on nesting too
    deep to follow.
    """
    try:
        value = simplejson.loads(text, use_decimal=True)
        _refuse_depth([value], _DEEPEST)
        return _clean(value) if _needs_cleaning(text) else value
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    except ArithmeticError as error:  # an exponent that even Decimal cannot hold
        raise ValueError("a number in the JSON is out of all bounds") from error


def dumps(value: Any) -> str:
    """Write JSON without spaces; Decimals with exactly their digits, letters as themselves."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def _refuse_depth(value: dict[str, Any] | list[Any], left: int) -> None:
    """Raise RecursionError here rather than wherever the value is later walked."""
    if left == 0:
        raise RecursionError
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, _CONTAINERS):
            _refuse_depth(item, left - 1)


def _needs_cleaning(text: str | bytes) -> bool:
    """Whether NUL or half a surrogate pair may be in it: in JSON only as an escape, or in a str."""
    if isinstance(text, bytes):
        return b"\\u" in text and _ESCAPED.search(text.decode("utf-8")) is not None
    return _ESCAPED.search(text) is not None or _LONE_SURROGATE.search(text) is not None


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
