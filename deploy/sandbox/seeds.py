"""Ready-made worlds: a Swedish and a Danish company, and the BILL organization beside each.

Every function gives plain JSON for ``SandboxControl.seed_organization`` and ``seed_company``; change
what a test needs to be different before seeding. Names and numbers are invented.
"""

from __future__ import annotations

import calendar
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from deploy.sandbox.countries import DENMARK, SWEDEN, VENDORS, Country
from deploy.sandbox.jsonio import Json

__all__ = ["DENMARK", "SWEDEN", "Country"]

_YEARS = (2025, 2026, 2027)
_CLOSED_UNTIL = "202503"
_CURRENCIES = (("SEK", "Svensk krona"), ("DKK", "Dansk krone"), ("EUR", "Euro"), ("NOK", "Norsk krone"))


def company(
    country: Country,
    company_id: str,
    *,
    tenant_id: str | None = None,
    client_id: str = "isv_connector",
    client_secret: str = "sandbox-secret",  # noqa: S107 - of the simulated system
    second_segment: bool = False,
    broken_year: bool = False,
    **extra: Any,
) -> Json:
    """A company with chart of accounts, segments, VAT, currencies, terms and periods 2025-2027.

    Accounts beside the country's own: 2440 control, 5999 inactive, 7999 without manual entry.
    ``second_segment`` adds a project segment; ``broken_year`` begins fiscal years in July. Further
    keywords replace or add top-level keys.
    """
    seed: Json = {
        "company_id": company_id,
        "tenant_id": tenant_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{company_id}.visma.example")),
        "name": f"Company {company_id}",
        "country": country.code,
        "time_zone": country.time_zone,
        "base_currency": country.currency,
        "clients": [{"client_id": client_id, "client_secret": client_secret}],
        "accounts": _accounts(country),
        "segments": _segments(country, second_segment),
        "vat_categories": [{"id": key, "description": text} for key, text, _, _ in country.categories],
        "vats": _vats(country),
        "vat_zones": country.zones,
        "currencies": [*({"id": key, "description": text} for key, text in _CURRENCIES), _dollar()],
        "rates": country.rates,
        "credit_terms": {
            key: {"description": f"{key} dagar netto", "days": int(key)} for key in ("10", "30")
        },
        "periods": periods(broken_year=broken_year),
        **_small_lists(country),
    }
    return seed | extra


def swedish_company(company_id: str = "1234567", **extra: Any) -> Json:
    """The Swedish company; keywords as in ``company``."""
    return company(SWEDEN, company_id, **extra)


def danish_company(company_id: str = "7654321", **extra: Any) -> Json:
    """The Danish company; keywords as in ``company``."""
    return company(DENMARK, company_id, **extra)


def organization(
    country: Country,
    organization_id: str,
    *,
    dev_key: str = "01SANDBOXDEVKEY00001",
    username: str = "erp-sync",
    password: str = "sandbox-token",  # noqa: S107 - of the simulated system
    **extra: Any,
) -> Json:
    """A BILL organization whose chart of accounts and departments have the company's numbers.

    ``username`` and ``password`` are an AP & AR sync token; beside it stand two people, ``anna`` with
    a trusted session and ``lars``, whose passwords are their names. Classification ids are readable:
    ``0ca<code><number>...`` and ``0de<code><value>...``, 20 characters.
    """
    seed: Json = {
        "id": organization_id,
        "name": f"Organization {organization_id}",
        "dev_key": dev_key,
        "users": [*_people(), {"username": username, "password": password, "is_token": True}],
        "classifications": {
            "chart-of-accounts": _bill_accounts(country),
            "departments": _departments(country),
        },
    }
    return seed | extra


def swedish_organization(organization_id: str = "00801SANDBOXSWEDEN01", **extra: Any) -> Json:
    """The Swedish organization; keywords as in ``organization``."""
    return organization(SWEDEN, organization_id, **extra)


def danish_organization(organization_id: str = "00801SANDBOXDENMARK1", **extra: Any) -> Json:
    """The Danish organization; keywords as in ``organization``."""
    return organization(DENMARK, organization_id, **extra)


def account_id(country: Country, number: str) -> str:
    """The BILL chart-of-account id of an account number."""
    return f"0ca{country.code}{number}".ljust(20, "0")


def department_id(country: Country, value: str) -> str:
    """The BILL department id of a cost centre."""
    return f"0de{country.code}{value}".ljust(20, "0")


def periods(*, broken_year: bool = False) -> list[Json]:
    """The months of 2025-2027, January to March 2025 closed; fiscal years from July where ``broken_year``."""
    rows = []
    for year in _YEARS:
        for month in range(1, 13):
            fiscal, number = (year, month) if not broken_year else _broken(year, month)
            closed = f"{year}{month:02d}" <= _CLOSED_UNTIL
            last = calendar.monthrange(year, month)[1]
            rows.append(
                {
                    "year": fiscal,
                    "period": f"{number:02d}",
                    "start": date(year, month, 1).isoformat(),
                    "end": date(year, month, last).isoformat(),
                    "closed_in_supplier_ledger": closed,
                    "closed_in_general_ledger": closed,
                }
            )
    return rows


def _small_lists(country: Country) -> Json:
    swedish = country.code == "SE"
    office = "Huvudkontor" if swedish else "Hovedkontor"
    return {
        "branches": {"1": office},
        "departments": {"HQ": office},
        "payment_methods": {"10": "Bank", "20": "Bankgiro" if swedish else "Indbetalingskort"},
        "ledgers": {"1": "Actual"},
        "supplier_classes": {
            "1": {"description": "Inrikes" if swedish else "Indland", "defaults": _class(country)},
            "2": {"description": "EU", "defaults": {"vatZoneId": "02", "creditTermsId": "30"}},
            "3": {"description": "World", "defaults": {"vatZoneId": "03", "creditTermsId": "30"}},
        },
    }


def _people() -> list[Json]:
    return [
        {"username": "anna", "password": "anna", "first_name": "Anna", "last_name": "Ek", "trusted": True},
        {"username": "lars", "password": "lars", "first_name": "Lars", "last_name": "Ø", "role": "APPROVER"},
    ]


def _bill_accounts(country: Country) -> list[Json]:
    return [
        {"id": account_id(country, number), "name": text, "account": {"type": "EXPENSE", "number": number}}
        for number, text in country.accounts
    ]


def _departments(country: Country) -> list[Json]:
    return [
        {"id": department_id(country, value), "name": text, "shortName": value}
        for value, text in country.centres
    ]


def _broken(year: int, month: int) -> tuple[int, int]:
    return (year + 1, month - 6) if month > 6 else (year, month + 6)


def _dollar() -> Json:
    return {"id": "USD", "description": "US Dollar"}


def _class(country: Country) -> Json:
    return {"vatZoneId": "01", "creditTermsId": "30", "paymentMethodId": "10", "currencyId": country.currency}


def _accounts(country: Country) -> list[Json]:
    own = [{"number": number, "description": text} for number, text in country.accounts]
    return [
        *own,
        {"number": "2440", "description": "2440", "type": "Liability", "control_module": "AP"},
        {"number": "5999", "description": "5999", "active": False},
        {"number": "7999", "description": "7999", "allow_manual_entry": False},
    ]


def _segments(country: Country, second: bool) -> list[Json]:
    centres = [{"value": value, "description": text} for value, text in country.centres]
    closed = {"value": "999", "description": "999", "active": False}
    segments: list[Json] = [
        {"id": 1, "description": country.segment, "length": 3, "values": [*centres, closed]}
    ]
    if second:
        values = [{"value": "0000", "description": "-"}, {"value": "1001", "description": "Ombyggnad"}]
        segments.append({"id": 2, "description": "Projekt", "length": 4, "values": values})
    return segments


def _vats(country: Country) -> list[Json]:
    return [
        {"id": f"{key}I", "description": text, "rate": rate, "type": kind, "categories": [key]}
        for key, text, rate, kind in country.categories
    ]


def vendor(country: Country, place: int = 0, **extra: Any) -> Json:
    """A vendor with a Nordic name, its own for every ``place``; keywords replace fields."""
    names = VENDORS[country.code]
    name, street, postal_code, city = names[place % len(names)]
    serial = f" {place // len(names) + 1}" if place >= len(names) else ""
    body: Json = {
        "name": name + serial,
        "accountType": "BUSINESS",
        "email": f"faktura{place}@example.com",
        "phone": f"+46 31 {100000 + place}" if country.code == "SE" else f"+45 {20000000 + place}",
        "address": {"line1": street, "city": city, "zipOrPostalCode": postal_code, "country": country.code},
        "billCurrency": country.currency,
        "additionalInfo": {"taxId": _tax_id(country, place)},
    }
    return body | extra


def bill(country: Country, vendor_id: str, number: str, amount: str = "1250.00", **extra: Any) -> Json:
    """An approved bill of one line on the country's first account and second cost centre."""
    line = {
        "amount": Decimal(amount),
        "description": f"Faktura {number}",
        "classifications": {
            "chartOfAccountId": account_id(country, country.accounts[0][0]),
            "departmentId": department_id(country, country.centres[1][0]),
        },
    }
    body: Json = {
        "vendorId": vendor_id,
        "dueDate": "2026-11-30",
        "invoice": {"invoiceNumber": number, "invoiceDate": "2026-10-31"},
        "billLineItems": [line],
        "approvalStatus": "APPROVED",
    }
    return body | extra


def _tax_id(country: Country, place: int) -> str:
    return f"SE{5560000000 + place}01" if country.code == "SE" else f"DK{10000000 + place}"
