"""Look-ups in a company's set-up, refused with the platform's messages."""

from __future__ import annotations

from datetime import date

from deploy.sandbox.visma.company import Company
from deploy.sandbox.visma.errors import BusinessError, not_in_system
from deploy.sandbox.visma.models import Account, Currency, Period, Segment, Subaccount, Supplier

_REFUSED_STATUSES = ("Inactive", "OnHold")


def get_supplier(company: Company, number: str | None) -> Supplier:
    """A supplier that may be invoiced."""
    supplier = company.suppliers.get(number or "")
    if supplier is None:
        raise not_in_system("Supplier", number or "")
    status = supplier.fields.get("status")
    if status in _REFUSED_STATUSES:
        raise BusinessError(f"The supplier status is '{status}'.")
    return supplier


def get_account(company: Company, number: str | None) -> Account:
    """An account that a person may post to."""
    account = company.accounts.get(number or "")
    if account is None:
        raise not_in_system("Account", number or "")
    if not account.active:
        raise BusinessError(f"Account '{account.number}' is inactive.")
    if account.control_module:
        raise BusinessError(f"Account '{account.number}' is a control account for {account.control_module}.")
    if not account.allow_manual_entry:
        raise BusinessError(f"Manual entry is not allowed for account '{account.number}'.")
    return account


def get_currency(company: Company, currency_id: str) -> Currency:
    """A currency the company knows."""
    currency = company.currencies.get(currency_id)
    if currency is None:
        raise not_in_system("CurrencyID", currency_id)
    return currency


def require_category(company: Company, category: str | None) -> str:
    """An active VAT category."""
    found = company.vat_categories.get(category or "")
    if found is None:
        raise not_in_system("TaxCategoryID", category or "")
    if not found.active:
        raise BusinessError(f"Tax category '{found.id}' is inactive.")
    return found.id


def require_known(known: object, field: str, value: str | None) -> None:
    """Raises unless ``value`` is empty or a key of ``known``."""
    if value and value not in known:  # type: ignore[operator]
        raise not_in_system(field, value)


def get_period(company: Company, key: str | None, day: date) -> Period:
    """The open period of that key, or of the day; raises for a missing, inactive or closed one."""
    period = company.periods.get(key) if key else company.period_of(day)
    if period is None:
        raise not_in_system("FinPeriodID", key or f"{day:%Y%m}")
    shown = f"{period.period}-{period.year}"
    if not period.active:
        raise BusinessError(f"The {shown} financial period is inactive.")
    if period.closed_in_supplier_ledger or period.closed_in_general_ledger:
        raise BusinessError(f"The {shown} financial period is closed.")
    return period


def get_subaccount(company: Company, wanted: object) -> Subaccount:
    """The combination a line's ``subaccount`` array names; segments left out get their first value."""
    given = _given_segments(company, wanted)
    values = tuple(given.get(segment.id) or _default_value(segment) for segment in company.segments.values())
    number = "".join(values)
    found = company.subaccounts.get(number)
    if found is not None:
        if not found.active:
            raise BusinessError(f"Subaccount '{number}' is inactive.")
        return found
    if not company.preferences.auto_create_subaccount:
        raise not_in_system("Subaccount", number)
    return add_subaccount(company, values)


def add_subaccount(company: Company, values: tuple[str, ...]) -> Subaccount:
    """A new combination of segment values."""
    subaccount = Subaccount(
        company.next_id(),
        "".join(values),
        values,
        modified_at=company.stamps.next(),
        version=company.versions.next(),
    )
    company.subaccounts[subaccount.number] = subaccount
    return subaccount


def _given_segments(company: Company, wanted: object) -> dict[int, str]:
    given: dict[int, str] = {}
    for item in wanted if isinstance(wanted, list) else []:
        segment_id, value = (
            (item.get("segmentId"), item.get("segmentValue")) if isinstance(item, dict) else (0, "")
        )
        segment = company.segments.get(segment_id) if isinstance(segment_id, int) else None
        if segment is None:
            raise _bad_segment(f"Segment {segment_id}")
        given[segment.id] = _checked_value(segment, str(value or ""))
    return given


def _checked_value(segment: Segment, value: str) -> str:
    known = segment.values.get(value)
    if segment.validate and (known is None or not known.active):
        raise _bad_segment(segment.description)
    return value


def _default_value(segment: Segment) -> str:
    return next(iter(segment.values), "0" * segment.length)


def _bad_segment(name: str) -> BusinessError:
    where = "An error occurred during processing of the field Subaccount"
    return BusinessError(f"{where} : Error: {name} of Subaccount do not exist.")
