"""Visma's refusals by their words: it gives no error codes, and says 500 for a wrong VAT code.

Closed by default: only a message that matches a row here turns a 5xx into a refusal, since without
one the outcome of a write is unknown. Rows match on the English platform text; parts that are the
customer's words (a segment's name) are left open. Sources: Visma reference, errors; platform messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Meaning = Literal["refused", "changed_meanwhile"]


@dataclass(frozen=True, slots=True)
class Quirk:
    """One message: its label, its pattern, and what it means. The first row that matches counts.

    A None for label means a refusal, but not which.
    """

    label: str | None
    pattern: re.Pattern[str]
    meaning: Meaning = "refused"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


QUIRKS: Final[tuple[Quirk, ...]] = (
    Quirk(
        "another_process", _pattern(r"another process has (updated|added|deleted) the"), "changed_meanwhile"
    ),
    Quirk(
        "duplicate_reference",
        _pattern(r"with this (vendor|supplier) ref\S* already exists for this (vendor|supplier)"),
    ),
    Quirk(
        "no_exchange_rate", _pattern(r"(currency|exchange) rate .*(not (found|defined|specified)|missing)")
    ),
    Quirk("supplier_status", _pattern(r"(supplier|vendor) status is '[^']*'")),
    Quirk("out_of_balance", _pattern(r"document is out of (the )?balance")),
    Quirk("on_hold", _pattern(r"document is on hold and cannot be released")),
    Quirk("invalid_status", _pattern(r"document status is invalid for processing")),
    Quirk("period_closed", _pattern(r"financial period .*(is (closed|inactive)|not (active|open))")),
    Quirk("unknown_segment_value", _pattern(r" of \S+ do(es)? not exist\b")),
    Quirk("unknown_value", _pattern(r"'[^']*' cannot be found in the system")),
    Quirk("missing_value", _pattern(r"'[^']+' (cannot|may not) be empty")),
    Quirk(
        "negative_amount",
        _pattern(r"(quantity|amount|cost)\b.*(must|should) (be greater than|not be less)"),
    ),
    Quirk("not_allowed", _pattern(r"^you cannot ")),
    Quirk("currency_mismatch", _pattern(r"\bcurrency of .* cannot be overridden")),
    Quirk(None, _pattern(r"^VismaId: [0-9a-f-]{36}\. .*error")),
)


def find_quirk(message: str) -> Quirk | None:
    """The row that this message is, if it is one we know."""
    return next((quirk for quirk in QUIRKS if quirk.pattern.search(message)), None)
