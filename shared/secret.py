"""A secret that only shows itself when asked by name."""

from __future__ import annotations


class Secret:
    """Text that must not reach a log, an error, a repr or a pickle; :meth:`reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
