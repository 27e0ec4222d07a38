"""Numbers and dates as the tenant's accountants write them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_precision

_PLAIN = "en"
_AMOUNT = re.compile(r"(?<![\w.,-])(-?[0-9]{1,40}\.[0-9]{2,20}) ([A-Z]{3})\b")
_DAY = re.compile(r"(?<![\w-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-])")


@dataclass(frozen=True, slots=True)
class Formats:
    """The forms of one locale such as ``sv_SE``; of one nobody knows, plain English ones."""

    locale: Locale

    @classmethod
    def of(cls, name: str) -> Formats:
        """The forms of a locale by its name."""
        try:
            return cls(Locale.parse(name))
        except (UnknownLocaleError, ValueError):
            return cls(Locale.parse(_PLAIN))

    def amount(self, amount: Decimal | None, currency: str) -> str:
        """An amount with all its digits, and as many decimals at least as its currency has."""
        if amount is None:
            return ""
        decimals = "0" * get_currency_precision(currency)
        pattern = f"#,##0.{decimals}########" if decimals else "#,##0.########"
        return format_decimal(amount, format=pattern, locale=self.locale)

    def day(self, day: date | None) -> str:
        """A day in the short form."""
        return format_date(day, "short", locale=self.locale) if day else ""

    def words(self, text: str | None) -> str:
        """A text in which amounts with their currency, and dates, are written as accountants here do."""
        text = _AMOUNT.sub(lambda found: f"{self.amount(Decimal(found[1]), found[2])} {found[2]}", text or "")
        return _DAY.sub(lambda found: self._day_of(found[0]), text)

    def _day_of(self, text: str) -> str:
        try:
            return self.day(date.fromisoformat(text))
        except ValueError:
            return text

    def month(self, first: date) -> str:
        """A month and its year in words."""
        return format_date(first, "LLLL yyyy", locale=self.locale)

    def moment(self, moment: datetime | None) -> str:
        """A time to the second, in UTC and saying so."""
        if moment is None:
            return ""
        utc = moment.astimezone(UTC)
        return f"{self.day(utc.date())} {utc:%H:%M:%S} UTC"
