"""Times, ages and names as our pages show them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tornado.escape import xhtml_escape

from workers.cli.output import clean, shown_time

_LONGEST_NAME = 60
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def moment(at: datetime | None) -> str:
    """A time in UTC to the second; a dash where there is none."""
    return shown_time(at) if at is not None else "–"


def age(at: datetime | None, now: datetime | None = None) -> str:
    """How long ago: ``3 minutes ago``; empty where there is no time."""
    if at is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    return "just now" if seconds < 60 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """A time span in its largest unit: ``3 minutes``."""
    for size, unit in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:.0f} s"


def spoken(text: str) -> str:
    """``text`` as HTML, with what stands between backquotes as code."""
    parts = xhtml_escape(text).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def money(amount: Decimal) -> str:
    """An amount with two decimals, or with all it has."""
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,f}"


def count_of(count: int, one: str, many: str | None = None) -> str:
    """``1 bill``, ``2 bills``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def clean_name(name: str) -> str:
    """Who acts, as one short line."""
    return clean(name)[:_LONGEST_NAME] or "unknown"
