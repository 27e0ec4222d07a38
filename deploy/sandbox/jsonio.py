"""JSON with exact numbers: every number with a dot is a Decimal, on the way in and out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson

Json = dict[str, Any]

Fragment = simplejson.RawJSON
"""Text that is JSON already and is written as it stands."""


def loads(text: str | bytes) -> Any:
    """Parse JSON with Decimal numbers; raises ValueError for anything else, NaN included."""
    try:
        return simplejson.loads(text, use_decimal=True, allow_nan=False)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def dumps(value: Any) -> str:
    """Minified JSON; Decimals with exactly their digits, letters as themselves."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def plain(number: Decimal, places: int = 1) -> Decimal:
    """The same number with no exponent and at least ``places`` decimals, as Java and .NET print it."""
    exponent = number.normalize().as_tuple().exponent
    wanted = max(places, -exponent if isinstance(exponent, int) else 0)
    return number.quantize(Decimal(1).scaleb(-wanted))
