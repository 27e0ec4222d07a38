"""What Visma showed before a merge, where an update of ours has no answer. Pure.

What we wrote last is then one of two: what the row keeps, or what was sent since. Visma itself tells which,
field by field, so that a change that BILL takes back is taken back in Visma too. Where it shows neither, a
person edited the field, and nobody can tell whether before our update, which then failed over it, or since.
So there are two readings, which differ in such fields alone, and none may say that BILL changed them too.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.fields import Fields, FieldValue
from shared.visma.models import SupplierInvoice, SupplierInvoiceLine
from workers.mapping.equality import same_value
from workers.mapping.supplier_invoice import WrittenBody


def find_fields_before(kept: Fields, sent: Fields, actual: Fields) -> Fields:
    """What was sent where Visma shows it, cleared fields too, else what the row keeps."""
    landed: dict[str, FieldValue] = {
        name: sent.get(name)
        for name in {**kept, **sent}
        if not same_value(name, sent.get(name), kept.get(name))
        and same_value(name, sent.get(name), actual.get(name))
    }
    return {**kept, **landed}


def read_fields_before(kept: Fields, sent: Fields, actual: Fields) -> tuple[Fields, Fields]:
    """Both readings: the update did not happen, or it did and people edited since."""
    return find_fields_before(kept, sent, actual), find_fields_before(sent, kept, actual)


def read_body_before(
    kept: WrittenBody, sent: WrittenBody, actual: SupplierInvoice
) -> tuple[WrittenBody, WrittenBody]:
    """The same for a document and its lines."""
    return find_body_before(kept, sent, actual), find_body_before(sent, kept, actual)


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
    if len(shown) != len(sent):
        return tuple(kept)
    # a line that the update was to add showed nothing before
    old = [kept[at] if at < len(kept) else dict.fromkeys(new) for at, new in enumerate(sent)]
    return tuple(
        find_fields_before(before, new, line.fields)
        for before, new, line in zip(old, sent, shown, strict=True)
    )
