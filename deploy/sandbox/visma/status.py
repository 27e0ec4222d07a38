"""The status machine of a supplier invoice (Visma reference: status machine)."""

from __future__ import annotations

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.errors import BusinessError

EDITABLE = frozenset({"Hold", "Balanced"})
RELEASED = frozenset({"Open", "Closed"})

CHANGEABLE_AFTER_RELEASE = frozenset(
    {"dueDate", "payDate", "cashDiscountDate", "paySelected", "locationId", "cashAccount", "paymentMethod"}
)
"""What a PUT may still carry while the document is Open; all else is refused."""


def initial(hold: bool | None, hold_on_entry: bool) -> str:
    """The status of a new document."""
    return "Hold" if (hold_on_entry if hold is None else hold) else "Balanced"


def require_editable(status: str, wanted: Json) -> None:
    """Raises BusinessError where a PUT with these fields is refused."""
    if status in EDITABLE:
        return
    if status == "Open" and set(wanted) <= CHANGEABLE_AFTER_RELEASE:
        return
    raise BusinessError(f"The document cannot be changed because its status is {status}.")


def require_deletable(status: str) -> None:
    """Raises BusinessError for a document that is released or voided."""
    if status not in EDITABLE:
        raise BusinessError(f"The document cannot be deleted because its status is {status}.")


def require_releasable(status: str) -> None:
    """Raises BusinessError with the platform's texts."""
    if status == "Hold":
        raise BusinessError("Document is On Hold and cannot be released.")
    if status not in ("Balanced", "Prebooked"):
        raise BusinessError("Document Status is invalid for processing.")


def require_reversible(status: str) -> None:
    """Only an open document is reversed, by a debit adjustment."""
    if status != "Open":
        raise BusinessError("Document Status is invalid for processing.")


def require_voidable(status: str) -> None:
    """Prebooked documents are voided, and open ones where the company allows it."""
    if status not in ("Prebooked", "Open"):
        raise BusinessError("Document Status is invalid for processing.")


def toggled(status: str, hold: bool | None) -> str:
    """The status after a PUT; hold false balances the document."""
    if hold is None or status not in EDITABLE:
        return status
    return "Hold" if hold else "Balanced"
