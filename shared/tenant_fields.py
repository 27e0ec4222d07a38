"""Kinds of values in a tenant's file: strict, and told in the words of someone who edits TOML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

from marshmallow import ValidationError, fields, validate

from shared.urls import is_http_url

T = TypeVar("T")

MISSING = "is missing"


class Value(fields.Field[T]):
    """A value whose absence is told as ``MISSING`` where it is required."""

    default_error_messages = {"required": MISSING}  # noqa: RUF012 - marshmallow's own shape


class Text(Value[str]):
    """Text that is not blank and holds no control characters; ``pattern`` and ``hint`` narrow it."""

    def __init__(self, pattern: str | None = None, hint: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pattern = re.compile(pattern) if pattern else None
        self._hint = hint

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(f"must be text in quotes, not {_name_kind(value)}")
        if not value.strip():
            raise ValidationError("must not be empty")
        if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in value):
            raise ValidationError("must not hold control characters")
        if self._pattern is not None and self._pattern.fullmatch(value) is None:
            raise ValidationError(f"must be {self._hint}, not {value!r}")
        return value


class Url(Text):
    """A base address, https unless it is on this machine; without its last slash."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_http_url(text):
            raise ValidationError("must be an https address without user, query or fragment")
        return text.rstrip("/")


class Whole(Value[int]):
    """A whole number between two limits, both allowed."""

    def __init__(self, least: int, most: int = 1_000_000_000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(f"must be a whole number without quotes, not {_name_kind(value)}")
        if value < self._least:
            raise ValidationError(f"must be at least {self._least}, not {value}")
        if value > self._most:
            raise ValidationError(f"must be at most {self._most}, not {value}")
        return value


class Flag(fields.Field[bool]):
    """``true`` or ``false``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"must be true or false without quotes, not {_name_kind(value)}")
        return value


class Day(Value[date]):
    """A TOML date."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValidationError(
                f"must be a date such as 2026-01-31 without quotes, not {_name_kind(value)}"
            )
        return value


class Choices(fields.Field[tuple[str, ...]]):
    """A list of words out of a few, each at most once, at least one."""

    def __init__(self, words: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._word = Text(validate=one_of(words))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise ValidationError(f"must be a list in square brackets, not {_name_kind(value)}")
        if not value:
            raise ValidationError("must name at least one")
        words = tuple(cast(str, self._word.deserialize(item)) for item in value)
        if len(set(words)) < len(words):
            raise ValidationError("must name each only once")
        return words


class Table(fields.Field[dict[str, Any]]):
    """A table whose keys are the user's own; ``value`` is the kind of each value."""

    def __init__(self, value: fields.Field[Any], key: Text | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._key, self._value = key or Text(), value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError(f"must be a table, not {_name_kind(value)}")
        result: dict[str, Any] = {}
        problems: dict[str, Any] = {}
        for name, item in value.items():
            try:
                result[str(self._key.deserialize(name))] = self._value.deserialize(item)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            raise ValidationError(problems)
        return result


def one_of(words: Sequence[str]) -> validate.OneOf:
    """The value must be one of ``words``."""
    listed = ", ".join(f'"{word}"' for word in words)
    return validate.OneOf(words, error=f"must be one of {listed}, not {{input!r}}")


def _name_kind(value: Any) -> str:
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number with decimals"),
        (str, "text in quotes"),
        (datetime, "a date with a time"),
        (date, "a date"),
        (list, "a list"),
        (dict, "a table"),
    ]
    return next((name for kind, name in kinds if isinstance(value, kind)), "something else")
