"""What Visma showed before a merge, where an update of ours has no answer. Pure.

What we wrote last is then one of two: what the row keeps, or what was sent since. Visma itself tells which,
field by field, so that a change that BILL takes back is taken back in Visma too.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.fields import Fields, FieldValue
from shared.visma.models import SupplierInvoice, SupplierInvoiceLine
from workers.mapping.equality import same_value
from workers.mapping.supplier_invoice import WrittenBody


def find_fields_before(kept: Fields, sent: Fields, actual: Fields) -> Fields:
    """What was sent where Visma shows it, else what the row keeps."""
    landed: dict[str, FieldValue] = {
        name: value
        for name, value in sent.items()
        if not same_value(name, value, kept.get(name)) and same_value(name, value, actual.get(name))
    }
    return {**kept, **landed}


def find_body_before(kept: WrittenBody, sent: WrittenBody, actual: SupplierInvoice) -> WrittenBody:
    """The same for a document and its lines."""
    return WrittenBody(
        header=find_fields_before(kept.header, sent.header, actual.fields),
        lines=_find_lines_before(kept.lines, sent.lines, actual.lines),
    )


def _find_lines_before(
    kept: Sequence[Fields], sent: Sequence[Fields], actual: Sequence[SupplierInvoiceLine]
) -> tuple[Fields, ...]:
    shown = sorted(actual, key=lambda line: line.number)
    if len(sent) != len(kept):
        return tuple(sent if len(shown) == len(sent) else kept)
    if len(shown) != len(kept):
        return tuple(kept)
    return tuple(
        find_fields_before(old, new, line.fields) for old, new, line in zip(kept, sent, shown, strict=True)
    )
