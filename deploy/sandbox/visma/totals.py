"""VAT and sums of a supplier invoice; pure, Decimal only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Sums:
    """What the lines add up to so far."""

    detail: Decimal = ZERO
    amount: Decimal = ZERO
    exempt: Decimal = ZERO
    tax_lines: dict[str, TaxLine] = field(default_factory=dict)
    on_top: dict[str, bool] = field(default_factory=dict)

    def add(self, line: Taxed, mode: str, places: int) -> None:
        """Add one line and its VAT."""
        self.detail += line.cost
        self.amount += line.cost
        if line.vat is None:
            self.exempt += line.cost
            return
        inclusive = mode == "Gross" or (mode == "TaxSetting" and line.vat.inclusive)
        taxable, vat_amount = split_vat(line.cost, line.vat, inclusive, places)
        on_top = self.on_top[line.vat.id] = line.vat.counted and not inclusive
        if on_top:
            self.amount += vat_amount
        if line.vat.rate == 0:
            self.exempt += taxable
        known = self.tax_lines.setdefault(line.vat.id, TaxLine(line.vat, ZERO, ZERO))
        known.taxable += taxable
        known.amount += vat_amount


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
    sums = _Sums()
    for line in lines:
        sums.add(line, mode, places)
    difference = _override(sums.tax_lines, overrides or {}, sums.on_top)
    taxes = list(sums.tax_lines.values())
    return Totals(
        detail=sums.detail,
        taxable=sum((tax.taxable for tax in taxes if tax.vat.rate != 0), ZERO),
        exempt=sums.exempt,
        vat=sum((tax.amount for tax in taxes if tax.vat.counted), ZERO),
        amount=sums.amount + difference + rounding,
        tax_lines=taxes,
    )


def _override(
    tax_lines: dict[str, TaxLine],
    overrides: Mapping[str, tuple[Decimal | None, Decimal | None]],
    on_top: Mapping[str, bool],
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
            if on_top[vat_id]:
                difference += vat_amount - tax.amount
            tax.amount = vat_amount
    return difference
