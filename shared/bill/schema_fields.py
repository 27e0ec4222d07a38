"""How single values of BILL are read: tolerant of their form, strict about what they mean.

Each field turns one JSON value into one of ours or says in a few words what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import ValidationError, fields

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
LARGEST_EXPONENT = 20
ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""The shape of every id that BILL could have given; they are opaque texts (BILL reference: ids)."""


def parse_timestamp(text: str) -> datetime:
    """An aware UTC time from any form BILL writes; without an offset it is UTC.

    BILL reference, list semantics: ``.SSS+00:00`` in answers, ``.SSSZ`` in notifications, ``+0000`` in
    v2, and seconds, minutes or the whole time may be missing. ValueError otherwise.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not a time")
    try:
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time that can be told in UTC") from None


def parse_day(text: str) -> date:
    """The day as written: BILL gives a date in its API and a datetime in notifications."""
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not a date")
    return date.fromisoformat(text[:10])


def parse_amount(value: object) -> Decimal:
    """An exact number; ValueError for anything but a plain one of at most 20 places either way."""
    number = _exact(value)
    exponent = number.as_tuple().exponent
    too_wide = not isinstance(exponent, int) or abs(exponent) > LARGEST_EXPONENT
    if too_wide or (number and abs(number.adjusted()) > LARGEST_EXPONENT):
        raise ValueError("not an amount that could be meant")
    return number


def _exact(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise ValueError("not a number") from None
    raise ValueError("not a number")


class Text(fields.Field[str | None]):
    """Text; a number becomes its digits, an empty text is as good as none."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return format(value, "f") if isinstance(value, Decimal) else str(value)
        if not isinstance(value, str):
            raise ValidationError("not a text")
        return value or None


class Name(fields.Field[str]):
    """Text that must not be empty, byte for byte."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or not value:
            raise ValidationError("not a text, or empty")
        return value


class Identifier(fields.Field[str]):
    """An id that BILL could have given."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise ValidationError("not an id")
        return value


class Timestamp(fields.Field[datetime]):
    """An aware UTC time."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            return parse_timestamp(_as_text(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Day(fields.Field[date]):
    """A date, also out of a datetime."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        try:
            return parse_day(_as_text(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Amount(fields.Field[Decimal]):
    """An exact number."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        try:
            return parse_amount(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Ids(fields.Field[Mapping[str, str]]):
    """A flat object of ids by key; entries that are no id are as good as none."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise ValidationError("not an object")
        return {key: entry for key, entry in value.items() if isinstance(entry, str) and entry}


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value
