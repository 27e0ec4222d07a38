"""How a vendor is paid is never copied: people change a payee's account in Visma. That it changed is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.bill.models import Vendor
from workers.sync.outcome import Outcome

_DIGEST = "payment_digest"


def note_payment(outcome: Outcome, vendor: Vendor, known: Mapping[str, Any] | None) -> Outcome:
    """The outcome, with a line for the history where BILL's payment details are not those ``known``.

    ``known`` is what the row kept as last written; the first details that are seen are no change. A
    notification is only nearly whole, so its details prove nothing.
    """
    body = outcome.finish.body
    if body is None:
        return outcome
    seen = _DIGEST in (known or {})
    before = (known or {}).get(_DIGEST)
    if not vendor.whole:
        kept = {**body, _DIGEST: before} if seen else body
        return replace(outcome, finish=replace(outcome.finish, body=kept))
    finish = replace(outcome.finish, body={**body, _DIGEST: vendor.payment_digest})
    told = ("payment details changed in BILL: change them in Visma by hand",)
    is_change = seen and before != vendor.payment_digest
    return replace(outcome, finish=finish, notes=(*outcome.notes, *(told if is_change else ())))
