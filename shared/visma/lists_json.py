"""Visma's reference lists as JSON, so that one fetch serves the whole fleet."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from shared.visma.models import Account, Currency, FinancialPeriod, Lists, Segment


def lists_to_json(lists: Lists) -> dict[str, Any]:
    """The lists as plain JSON values; ``lists_from_json`` reads them back."""
    return {
        "accounts": [asdict(account) for account in lists.accounts.values()],
        "segments": [asdict(segment) for segment in lists.segments.values()],
        "vat_categories": dict(lists.vat_categories),
        "currencies": [asdict(currency) for currency in lists.currencies.values()],
        "periods": [
            {**asdict(period), "start": period.start.isoformat(), "end": period.end.isoformat()}
            for period in lists.periods
        ],
    }


def lists_from_json(value: dict[str, Any]) -> Lists:
    """The lists as ``lists_to_json`` wrote them."""
    periods = (
        {**period, "start": date.fromisoformat(period["start"]), "end": date.fromisoformat(period["end"])}
        for period in value["periods"]
    )
    return Lists(
        accounts={account["number"]: Account(**account) for account in value["accounts"]},
        segments={segment["id"]: Segment(**segment) for segment in value["segments"]},
        vat_categories=value["vat_categories"],
        currencies={currency["id"]: Currency(**currency) for currency in value["currencies"]},
        periods=tuple(FinancialPeriod(**period) for period in periods),
    )
