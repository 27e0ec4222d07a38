"""Pages and filters of Visma's lists (Visma reference: conventions)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.wire import json_reply

T = TypeVar("T")

_TIME_FORMS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
)
# ">" also returns equal values ("after and on"), so it means ">="; the same is assumed of "<".
_AT_LEAST: Callable[[Any, Any], bool] = operator.ge
_AT_MOST: Callable[[Any, Any], bool] = operator.le
_OPERATORS = {">": _AT_LEAST, ">=": _AT_LEAST, "<": _AT_MOST, "<=": _AT_MOST, "=": operator.eq}


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are asked for."""

    number: int
    size: int

    def cut(self, rows: list[T]) -> list[T]:
        """The rows of this page."""
        start = (self.number - 1) * self.size
        return rows[start : start + self.size]


def parse_page(query: Mapping[str, str], largest: int) -> Page:
    """Page number from 1 and size; a larger size is silently cut to the largest."""
    number, size = _whole(query, "pageNumber", 1), _whole(query, "pageSize", largest)
    return Page(number, min(size, largest))


def condition_on(query: Mapping[str, str], name: str, read: Callable[[str], T]) -> Callable[[T], bool] | None:
    """The test of ``name`` and ``nameCondition``, which must come together; None when absent."""
    value, sign = query.get(name), query.get(f"{name}Condition")
    if value is None and sign is None:
        return None
    if value is None or sign is None:
        raise bad_filter(f"{name} and {name}Condition must be given together.")
    compare = _OPERATORS.get(sign)
    if compare is None:
        raise bad_filter(f"'{sign}' is not a valid {name}Condition.")
    wanted = read(value)
    return lambda found: compare(found, wanted)


def local_time(text: str) -> datetime:
    """A zoneless time in one of the documented forms; a trailing Z or offset is refused."""
    for form in _TIME_FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the company's local time, without zone
        except ValueError:
            continue
    raise bad_filter(f"'{text}' is not a valid date and time.")


def local_day(text: str) -> date:
    """The date of a filter value."""
    return local_time(text).date()


def decimal_value(text: str) -> Decimal:
    """The number of a filter value."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise bad_filter(f"'{text}' is not a number.") from error


def keep(rows: Iterable[T], tests: list[Callable[[T], bool]]) -> list[T]:
    """The rows that pass every test."""
    return [row for row in rows if all(test(row) for test in tests)]


def bad_filter(message: str) -> Denied:
    """400 for a query that cannot be read."""
    return Denied(json_reply({"message": message}, 400))


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_filter(f"'{text}' is not a valid {name}.")
    return int(text)
