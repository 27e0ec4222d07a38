"""Which entry of Visma's calendar a document is posted into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from shared.errors import NeedsPerson
from shared.visma.models import FinancialPeriod


def find_period(day: date, periods: Sequence[FinancialPeriod]) -> FinancialPeriod | None:
    """The entry whose start and end hold ``day``.

    Of several the latest to start, so that it does not matter whether Visma's ends are inclusive; an entry
    of no length (a year's closing period) only where nothing else holds the day.
    """
    holding = [period for period in periods if period.start <= day <= period.end]
    return max(holding, key=_rank, default=None)


def choose_period(day: date, periods: Sequence[FinancialPeriod], *, next_open: bool) -> FinancialPeriod:
    """The open entry for ``day``; with ``next_open`` the first open one after it where it is closed.

    Raises NeedsPerson (``period_missing``, ``period_closed``).
    """
    period = find_period(day, periods)
    if period is None:
        raise NeedsPerson(
            "period_missing",
            f"Visma's financial calendar has no period for {day}: create it in Visma, "
            "or correct the invoice date in BILL",
        )
    if period.is_open:
        return period
    later = _find_next_open(period, periods) if next_open else None
    if later is None:
        raise NeedsPerson("period_closed", _describe_closed(day, period, next_open))
    return later


def _find_next_open(after: FinancialPeriod, periods: Sequence[FinancialPeriod]) -> FinancialPeriod | None:
    later = [period for period in periods if period.start > after.start and period.is_open]
    return min(later, key=lambda period: (period.end == period.start, period.start), default=None)


def _describe_closed(day: date, period: FinancialPeriod, next_open: bool) -> str:
    state = "closed" if period.closed else "not active"
    if next_open:
        return (
            f"period {period.id} of {day} is {state} in Visma and no later period is open: "
            "open a later period in Visma"
        )
    return (
        f"period {period.id} of {day} is {state} in Visma: open it there, correct the invoice date in BILL, "
        'or set sync.closed_period = "next_open"'
    )


def _rank(period: FinancialPeriod) -> tuple[bool, date, date]:
    return (period.end > period.start, period.start, period.end)
