"""Exact money: nothing here rounds unless it says so."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow

from shared.bill.models import Bill, BillLine
from shared.errors import NeedsPerson

_DIGITS = 200
_EXACT = Context(prec=_DIGITS, traps=[Inexact, InvalidOperation, Overflow])
_ROUNDING = Context(prec=_DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation, Overflow])


def turn(amount: Decimal, *, negate: bool) -> Decimal:
    """``amount``, or its opposite, with exactly its digits; never a negative zero."""
    turned = amount.copy_negate() if negate else amount
    return turned.copy_abs() if turned.is_zero() else turned


def split_amount(line: BillLine, *, negate: bool) -> tuple[Decimal, Decimal]:
    """A line's amount as quantity, always positive, and unit cost.

    BILL's own quantity and price where they multiply to the amount exactly, else 1 and the amount; BILL's
    amount wins over quantity times price (BILL reference: bills, create).
    """
    quantity, price = line.quantity, line.price
    if quantity and price is not None and _multiply_to(quantity, price, line.amount):
        return quantity.copy_abs(), turn(price, negate=negate != (quantity < 0))
    return Decimal(1), turn(line.amount, negate=negate)


def check_sum(bill: Bill, currency: str, precision: int | None) -> None:
    """Raise NeedsPerson (``amount_mismatch``) unless the lines add up to the bill.

    Every amount is taken to the smallest unit of the currency, as Visma will take it; ``precision`` is the
    number of its decimals, None to compare as is.
    """
    if not bill.lines:
        raise NeedsPerson("amount_mismatch", "the bill has no lines: add them in BILL")
    try:
        total = Decimal(0)
        for line in bill.lines:
            total = _EXACT.add(total, _to_unit(line.amount, precision))
        amount = _to_unit(bill.amount, precision)
    except DecimalException as error:
        raise NeedsPerson("amount_mismatch", "an amount has too many digits: correct it in BILL") from error
    if total != amount:
        raise NeedsPerson(
            "amount_mismatch",
            f"the lines add up to {total:f} {currency} and the bill to {amount:f} {currency}: "
            "correct the bill in BILL",
        )


def _multiply_to(quantity: Decimal, price: Decimal, amount: Decimal) -> bool:
    try:
        return _EXACT.multiply(quantity, price) == amount
    except DecimalException:
        return False


def _to_unit(amount: Decimal, precision: int | None) -> Decimal:
    if precision is None:
        return amount
    return amount.quantize(Decimal(1).scaleb(-precision), context=_ROUNDING)
