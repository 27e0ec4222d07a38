"""A draft against Visma's own lists: what Visma would refuse is held before it is sent."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import NeedsPerson
from shared.fields import Fields
from shared.visma.models import Lists
from workers.mapping.problems import Problems

_ADVICE = {
    "inactive_account": "activate it in Visma, or map to another account",
    "unknown_segment_value": "add or activate it in Visma, or map to another value",
    "unknown_vat_category": "add or activate it in Visma, or map to another category",
}
_SEGMENT = "subaccount."


def check_currency_known(currency: str, lists: Lists) -> None:
    """Raise NeedsPerson (``unknown_currency``) unless Visma knows the currency."""
    if currency not in lists.currencies:
        raise NeedsPerson("unknown_currency", f"Visma has no currency {currency}: add it in Visma")


def check_currency(currency: str, supplier_number: str, supplier_currency: str | None, lists: Lists) -> None:
    """Raise NeedsPerson unless Visma knows the currency and the supplier takes it.

    ``supplier_currency`` is the supplier's fixed currency, None where it is free.
    """
    check_currency_known(currency, lists)
    if supplier_currency and supplier_currency != currency:
        raise NeedsPerson(
            "currency_mismatch",
            f"the bill is in {currency} and supplier {supplier_number} takes only {supplier_currency}: "
            "allow other currencies for the supplier in Visma, or correct the vendor's currency in BILL",
        )


def check_lines(lines: Sequence[Fields], lists: Lists) -> None:
    """Raise NeedsPerson unless all accounts, segment values and VAT categories of the lines are in use."""
    problems = Problems()
    for number, line in enumerate(lines, start=1):

        def add(reason: str, problem: str | None, where: str = f"line {number}") -> None:
            if problem is not None:
                problems.add(reason, f"{where}: {problem}")

        add("inactive_account", find_account_problem(str(line.get("accountNumber") or ""), lists))
        for name, value in line.items():
            if name.startswith(_SEGMENT):
                segment_id = int(name.removeprefix(_SEGMENT))
                add("unknown_segment_value", find_segment_problem(segment_id, str(value or ""), lists))
        add("unknown_vat_category", find_category_problem(str(line.get("vatCodeId") or ""), lists))
    problems.raise_first(_ADVICE)


def find_account_problem(account: str, lists: Lists) -> str | None:
    """Why a line may not name this account, or None."""
    known = lists.accounts.get(account)
    if known is not None and known.is_postable:
        return None
    if known is None:
        state = "is not in Visma"
    elif not known.active:
        state = "is inactive in Visma"
    else:
        state = "may not be posted to by hand in Visma"
    return f"account {account} {state}"


def find_segment_problem(segment_id: int, value: str, lists: Lists) -> str | None:
    """Why a line may not have this value in this segment of the subaccount, or None."""
    segment = lists.segments.get(segment_id)
    if segment is None:
        return f"Visma's subaccount has no segment {segment_id}"
    if segment.values.get(value, not segment.validate):
        return None
    state = "is inactive" if value in segment.values else "is not"
    return f"value {value} {state} in Visma's segment {segment_id} ({segment.description})"


def find_category_problem(category: str, lists: Lists) -> str | None:
    """Why a line may not have this VAT category, or None."""
    if lists.vat_categories.get(category, False):
        return None
    state = "inactive" if category in lists.vat_categories else "unknown"
    return f"VAT category {category} is {state} in Visma"
