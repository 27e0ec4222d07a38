"""Shortening text for Visma without breaking a letter in two.

Visma's maximal lengths are counted here in Unicode code points. A cut never ends in the middle of a
combining sequence (a letter and its accents, an emoji and its modifiers, a flag).
"""

from __future__ import annotations

import unicodedata

NAME_LIMIT = 60
"""A supplier's name (Visma reference: unknowns, maximal lengths)."""

REFERENCE_LIMIT = 40
"""A supplier reference, and the description of a document."""

LINE_LIMIT = 256
"""The description of a line."""

_ELLIPSIS = "…"
_JOINER = "\u200d"


def cut(text: str, limit: int) -> str:
    """The longest beginning of ``text`` of at most ``limit`` code points that ends between two letters."""
    if len(text) <= limit:
        return text
    at = limit
    while at > 0 and _is_inside_sequence(text, at):
        at -= 1
    return text[: at or limit]


def shorten_line(text: str) -> str:
    """The description of a line: over 256 characters it is cut at 255 and ends in an ellipsis."""
    return text if len(text) <= LINE_LIMIT else cut(text, LINE_LIMIT - 1) + _ELLIPSIS


def is_blank(text: str | None) -> bool:
    """Whether there is nothing to read in ``text``."""
    return text is None or not text.strip()


def _is_inside_sequence(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    return before == _JOINER or _continues(after) or (_is_flag_half(after) and _splits_flag(text, at))


def _continues(letter: str) -> bool:
    return (
        letter == _JOINER
        or unicodedata.category(letter).startswith("M")
        or "\U0001f3fb" <= letter <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= letter <= "\U000e007f"  # tags of regional flags
        or "\u1160" <= letter <= "\u11ff"  # vowels and finals of a decomposed Korean syllable
    )


def _is_flag_half(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _splits_flag(text: str, at: int) -> bool:
    halves_before = 0
    while halves_before < at and _is_flag_half(text[at - 1 - halves_before]):
        halves_before += 1
    return halves_before % 2 == 1
