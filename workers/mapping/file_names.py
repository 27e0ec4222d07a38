"""Names of attached files: what Visma's file store takes, and never one name twice. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from itertools import count
from typing import Final

LONGEST: Final = 150
"""Shorter than any file store's limit, with room for a suffix; Visma's own is not documented."""

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_PATHS: Final = str.maketrans({"/": "-", "\\": "-", '"': "'"})


def clean_file_name(name: str) -> str:
    """A name as it is sent: every letter as given, but no path, no quote and nothing overlong."""
    text = name.encode("utf-8", "replace").decode()  # half of a pair of surrogates is no letter
    text = " ".join(_CONTROLS.sub(" ", text).translate(_PATHS).split())
    stem, ending = _split(text)
    return (stem[: LONGEST - len(ending)] + ending) or "document"


def free_file_name(name: str, taken: Set[str]) -> str:
    """``name``, or with the first number that is free: the same name would only revise the other file.

    ``taken`` holds folded names.
    """
    stem, ending = _split(name)
    names = (name if number == 1 else f"{stem} ({number}){ending}" for number in count(1))
    return next(each for each in names if fold_file_name(each) not in taken)


def fold_file_name(name: str) -> str:
    """What two names of one file have in common: Visma may put a path before it, and ignore case."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return " ".join(unicodedata.normalize("NFC", last).casefold().split())


def _split(name: str) -> tuple[str, str]:
    """Stem and ending; an ending is short, and something stands before it."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and 0 < len(ending) <= 10 else (name, "")
