"""What may be shown of a text from outside: no secrets, and no bank details.

Whoever replays a dead letter need not see whose account a vendor is paid to. BILL's notifications carry
it; errors and tracebacks should not, and are looked through all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from shared import jsontext
from shared.scrub import HIDDEN, is_secret_name, scrub_text

_BANK: Final = ("paymentinformation", "bankaccount", "bankaccountnumber", "routingnumber", "iban", "bic",
                "swiftcode", "sortcode", "nameonaccount", "accountnumber", "virtualcard")  # fmt: skip
_KEYED: Final = re.compile(
    r"""(?P<head>\\?["']?\b(?:account_?number|routing_?number|iban|bic|swift_?code|sort_?code|name_?on_?account)
        \\?["']?\s*[:=]\s*)(?:\\?"[^"]*"?|'[^']*'?|[^\s,;}\]]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}\b")
_BREAK: Final = re.compile(r"[ -]|$")
_LONGEST: Final = 20_000
_DEEPEST: Final = 12


def mask_text(text: str) -> str:
    """``text`` without secrets, IBANs, and what follows the name of a bank detail."""
    text = _KEYED.sub(rf"\g<head>{HIDDEN}", scrub_text(text))
    return _IBAN.sub(_hide_iban, text)


def mask_body(raw: bytes) -> str:
    """A notification's body for people: indented where it is JSON, else as it came; masked either way."""
    text = raw.decode("utf-8", "replace")
    try:
        read = jsontext.loads(text)
    except (ValueError, RecursionError):
        shown = mask_text(text)
    else:
        shown = json.dumps(_mask(read), indent=2, ensure_ascii=False, default=str)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _mask(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return {name: _mask_named(name, inner, depth) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mask(inner, depth + 1) for inner in value]
    return mask_text(value) if isinstance(value, str) else value


def _mask_named(name: str, value: Any, depth: int) -> Any:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    hidden = plain in _BANK or is_secret_name(name)
    return HIDDEN if hidden and value not in (None, "", {}, []) else _mask(value, depth + 1)


def _hide_iban(found: re.Match[str]) -> str:
    """The match with the IBAN it begins with hidden; capitals behind it may have been taken for a part."""
    text = found[0]
    ends = [end.start() for end in _BREAK.finditer(text)]
    end = next((end for end in reversed(ends) if _is_iban(text[:end])), None)
    return text if end is None else HIDDEN + text[end:]


def _is_iban(text: str) -> bool:
    """Whether the checksum of an IBAN holds: a VAT number looks like one, and is none."""
    bare = re.sub(r"[ -]", "", text)
    digits = "".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])
    return 15 <= len(bare) <= 34 and int(digits) % 97 == 1
