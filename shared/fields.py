"""Flat fields: how a document we write is held, compared and shown.

A supplier or a supplier invoice's header or line is a flat mapping from Visma's field name (nested
ones dotted: ``mainAddress.city``; segments of a subaccount as ``subaccount.1``) to a plain value.
Only ``shared.visma.schemas`` knows Visma's wrapped shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

FieldValue = str | bool | Decimal | None
Fields = Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class Change:
    """One field with its value before and after; what ``plan`` prints and history keeps."""

    field: str
    before: FieldValue
    after: FieldValue

    def to_json(self) -> dict[str, Any]:
        """The change as JSON keys; amounts as text, so that no reader rounds them."""
        return {"field": self.field, "before": _plain(self.before), "after": _plain(self.after)}


def changed_fields(before: Fields, after: Fields) -> list[Change]:
    """Fields of ``after`` whose value differs from ``before``, and fields that ``after`` no longer has.

    A field gone from ``after`` appears with ``after=None``: it is to be cleared.
    """
    changes = [
        Change(name, before.get(name), value) for name, value in after.items() if before.get(name) != value
    ]
    changes += [
        Change(name, value, None) for name, value in before.items() if name not in after and value is not None
    ]
    return changes


def fields_from_json(value: Mapping[str, Any]) -> dict[str, FieldValue]:
    """Fields as the database kept them; every number a Decimal again."""
    return {
        name: Decimal(item) if isinstance(item, int) and not isinstance(item, bool) else item
        for name, item in value.items()
    }


def _plain(value: FieldValue) -> str | bool | None:
    return format(value, "f") if isinstance(value, Decimal) else value
