"""VAT and sums of a supplier invoice; pure, Decimal only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from deploy.sandbox.visma.models import TaxLine, Totals, Vat

ZERO = Decimal(0)
_UNITS = tuple(Decimal(1).scaleb(-places) for places in range(7))


@dataclass(frozen=True, slots=True)
class Taxed:
    """One line's amount and the VAT that applies to it."""

    cost: Decimal
    vat: Vat | None


def rounded(amount: Decimal, places: int) -> Decimal:
    """Half away from zero, as accountants round."""
    return amount.quantize(_UNITS[places], ROUND_HALF_UP)


def split_vat(cost: Decimal, vat: Vat, inclusive: bool, places: int) -> tuple[Decimal, Decimal]:
    """(taxable amount, VAT) of one line."""
    if inclusive and vat.counted:
        taxable = rounded(cost / (1 + vat.rate / 100), places)
        return taxable, cost - taxable
    return cost, rounded(cost * vat.rate / 100, places)


def compute_totals(
    lines: Iterable[Taxed],
    mode: str,
    places: int,
    overrides: Mapping[str, tuple[Decimal | None, Decimal | None]] | None = None,
    rounding: Decimal = ZERO,
) -> Totals:
    """Sums in the document's currency.

    ``mode``: Gross, line amounts include VAT; Net, VAT on top; TaxSetting, as each VAT id is set up.
    ``overrides``: taxable amount and VAT by VAT id, where given (``taxDetailLines``).
    """
    tax_lines: dict[str, TaxLine] = {}
    detail = amount = exempt = ZERO
    added: dict[str, bool] = {}
    for line in lines:
        detail += line.cost
        amount += line.cost
        if line.vat is None:
            exempt += line.cost
            continue
        inclusive = mode == "Gross" or (mode == "TaxSetting" and line.vat.inclusive)
        taxable, vat_amount = split_vat(line.cost, line.vat, inclusive, places)
        if line.vat.counted and not inclusive:
            amount += vat_amount
        added[line.vat.id] = line.vat.counted and not inclusive
        if line.vat.rate == 0:
            exempt += taxable
        known = tax_lines.setdefault(line.vat.id, TaxLine(line.vat, ZERO, ZERO))
        known.taxable += taxable
        known.amount += vat_amount
    amount += _override(tax_lines, overrides or {}, added) + rounding
    counted = [tax for tax in tax_lines.values() if tax.vat.counted]
    return Totals(
        detail=detail,
        taxable=sum((tax.taxable for tax in tax_lines.values() if tax.vat.rate != 0), ZERO),
        exempt=exempt,
        vat=sum((tax.amount for tax in counted), ZERO),
        amount=amount,
        tax_lines=list(tax_lines.values()),
    )


def _override(
    tax_lines: dict[str, TaxLine],
    overrides: Mapping[str, tuple[Decimal | None, Decimal | None]],
    added: Mapping[str, bool],
) -> Decimal:
    """Put given VAT in place of the computed; gives what that adds to the document's amount."""
    difference = ZERO
    for vat_id, (taxable, vat_amount) in overrides.items():
        tax = tax_lines.get(vat_id)
        if tax is None:
            continue
        if taxable is not None:
            tax.taxable = taxable
        if vat_amount is not None:
            if added[vat_id]:
                difference += vat_amount - tax.amount
            tax.amount = vat_amount
    return difference
