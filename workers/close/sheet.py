"""The proof as CSV: one line a bill, plain numbers and dates, nothing that a spreadsheet would run. Pure."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import Final

from workers.close.models import Proof, Side, exact

BOM: Final = "\ufeff"
"""Without it spreadsheets take UTF-8 for something older."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

COLUMNS: Final = (
    "tenant", "period", "verdict", "reference", "bill_id", "invoice_date", "supplier_number", "supplier",
    "currency", "bill_amount", "visma_amount", "visma_number", "visma_status", "differences",
)  # fmt: skip


def write_sheet(proof: Proof) -> str:
    """The CSV text, with a byte order mark."""
    told = _told(proof)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for side in proof.sides:
        writer.writerow(_row(proof, side, told.get(side.bill_id, "") if side.verdict != "equal" else ""))
    return BOM + out.getvalue()


def harmless(text: str | None) -> str:
    """Text that no spreadsheet takes for a formula: names come from outside."""
    text = text or ""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _row(proof: Proof, side: Side, told: str) -> tuple[str, ...]:
    amounts = (exact(one) if one is not None else "" for one in (side.bill_amount, side.visma_amount))
    return (
        proof.tenant.id,
        proof.month.name,
        side.verdict,
        harmless(side.reference),
        harmless(side.bill_id),
        side.date.isoformat() if side.date else "",
        harmless(side.supplier_number),
        harmless(side.supplier),
        harmless(side.currency),
        *amounts,
        harmless(side.visma_number),
        harmless(side.visma_status),
        harmless(told),
    )


def _told(proof: Proof) -> dict[str | None, str]:
    """What differs, by bill, in one cell."""
    found: dict[str | None, list[str]] = defaultdict(list)
    for one in proof.differences:
        found[one.bill_id].append(f"{one.what}: BILL {one.bill}, Visma {one.visma}")
    return {bill_id: "; ".join(texts) for bill_id, texts in found.items()}
