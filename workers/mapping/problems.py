"""What stands in the way of a document, gathered so that a person sees all of one kind at once."""

from __future__ import annotations

from shared.errors import NeedsPerson


class Problems:
    """Reasons to hold a document, in the order they were found."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, reason: str, detail: str) -> None:
        """Note one problem; the same one twice counts once."""
        if (reason, detail) not in self._found:
            self._found.append((reason, detail))

    def raise_first(self, advice: dict[str, str]) -> None:
        """Raise NeedsPerson for the first reason, with every detail of that reason and its advice, if any."""
        if not self._found:
            return
        first = self._found[0][0]
        details = "; ".join(detail for reason, detail in self._found if reason == first)
        raise NeedsPerson(first, f"{details}: {advice[first]}")
