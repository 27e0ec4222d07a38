"""Identifiers that look like the real ones and never repeat."""

from __future__ import annotations

import itertools
import random
import string
import uuid

_LETTERS = string.ascii_uppercase + string.digits


class Ids:
    """Makes ids from one seed, so that two runs with the same steps give the same ids."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids, not secrets
        self._counter = itertools.count(1)

    def bill(self, prefix: str) -> str:
        """Twenty characters with BILL's prefix of the kind (BILL reference: ID prefixes)."""
        tail = f"{next(self._counter):06X}"
        noise = "".join(self._random.choices(_LETTERS, k=20 - len(prefix) - len(tail)))
        return f"{prefix}{noise}{tail}"

    def guid(self) -> str:
        """A random UUID4 as text."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
