"""The proof as data: one plain document from which all its forms are made, and its digest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared import jsontext
from workers.close.models import Proof, exact


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and by what a proof was made, and the head of the audit trail then (``N:HEX``, None without)."""

    at: datetime
    versions: Mapping[str, str]
    audit_head: str | None
    audit_sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """A proof with its stamp; ``data`` is what the digest is over."""

    proof: Proof
    stamp: Stamp
    data: Mapping[str, Any]

    @classmethod
    def make(cls, proof: Proof, stamp: Stamp) -> Report:
        """The report of a proof."""
        return cls(proof, stamp, to_data(proof))

    @property
    def text(self) -> str:
        """The data as the text that the digest is over; ``<`` is escaped, so that a page can hold it."""
        return jsontext.dumps(self.data).replace("<", "\\u003c")

    @property
    def digest(self) -> str:
        """SHA-256 of the data's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """What ``connector close --json`` prints."""
        stamp = self.stamp
        return {
            **self.data,
            "run": {"at": stamp.at, "versions": dict(stamp.versions), "sha256": self.digest},
            "audit": {"head": stamp.audit_head, "sealed_at": stamp.audit_sealed_at},
        }


def to_data(proof: Proof) -> dict[str, Any]:
    """Under the keys that scripts hold on to; amounts as text, so that no reader rounds them."""
    return {
        "tenant": proof.tenant.id,
        "period": proof.month.name,
        "matches": proof.matches,
        "differences": [_plain(asdict(one)) for one in proof.differences],
        "notices": [_plain(asdict(one)) for one in proof.notices],
        "totals": {
            "by_currency": [_total(one, "currency") for one in proof.by_currency],
            "by_supplier": [_total(one, *_OF_SUPPLIER) for one in proof.by_supplier],
        },
        "bills": [_plain(asdict(one)) for one in proof.sides],
    }


_OF_SUPPLIER = ("supplier", "supplier_number", "currency")


def _total(total: Any, *names: str) -> dict[str, Any]:
    figures = ("bill", "visma", "difference", "bills", "documents")
    return _plain({name: getattr(total, name) for name in (*names, *figures)})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return exact(value)
    return value.isoformat() if isinstance(value, date) else value
