"""What people do in BILL, by the control client."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from deploy.sandbox.control_http import ControlClient
from deploy.sandbox.jsonio import Json


class BillControl(ControlClient):
    """Vendors, bills, classifications, users and settings of an ``organization`` (its id)."""

    def create_vendor(self, organization: str, vendor: Json) -> Json:
        """Enter a vendor; fields as in BILL's API."""
        return self._object("POST", f"/organizations/{organization}/vendors", vendor)

    def change_vendor(self, organization: str, vendor_id: str, **fields: Any) -> Json:
        """Change fields of a vendor."""
        return self._object("PATCH", f"/organizations/{organization}/vendors/{vendor_id}", fields)

    def archive_vendor(self, organization: str, vendor_id: str) -> Json:
        """Archive a vendor."""
        return self._object("POST", f"/organizations/{organization}/vendors/{vendor_id}/archive")

    def restore_vendor(self, organization: str, vendor_id: str) -> Json:
        """Bring an archived vendor back."""
        return self._object("POST", f"/organizations/{organization}/vendors/{vendor_id}/restore")

    def create_bill(self, organization: str, bill: Json) -> Json:
        """Enter a bill; beside the API's fields ``approvalStatus``, ``draft`` and ``updatedTime``."""
        return self._object("POST", f"/organizations/{organization}/bills", bill)

    def create_many(
        self, organization: str, *, vendors: Iterable[Json] = (), bills: Iterable[Json] = ()
    ) -> Json:
        """Enter many at once (a few thousand a request); gives their ids."""
        body = {"vendors": list(vendors), "bills": list(bills)}
        return self._object("POST", f"/organizations/{organization}/many", body)

    def change_bill(self, organization: str, bill_id: str, **fields: Any) -> Json:
        """Change fields of a bill as PATCH does; with ``replace=True`` as PUT does."""
        return self._object("PATCH", f"/organizations/{organization}/bills/{bill_id}", fields)

    def approve_bill(self, organization: str, bill_id: str, users: Iterable[str] = ()) -> Json:
        """All approvers (by default the first user) approve."""
        return self._on_bill(organization, bill_id, "approve", users=list(users))

    def deny_bill(self, organization: str, bill_id: str, users: Iterable[str] = ()) -> Json:
        """The approvers deny."""
        return self._on_bill(organization, bill_id, "deny", users=list(users))

    def assign_bill(self, organization: str, bill_id: str, users: Iterable[str] = ()) -> Json:
        """Put the bill before approvers."""
        return self._on_bill(organization, bill_id, "assign", users=list(users))

    def withdraw_approval(self, organization: str, bill_id: str) -> Json:
        """Back to UNASSIGNED."""
        return self._on_bill(organization, bill_id, "withdraw")

    def archive_bill(self, organization: str, bill_id: str) -> Json:
        """Archive ("delete") a bill."""
        return self._on_bill(organization, bill_id, "archive")

    def restore_bill(self, organization: str, bill_id: str) -> Json:
        """Bring an archived bill back."""
        return self._on_bill(organization, bill_id, "restore")

    def activate_bill(self, organization: str, bill_id: str) -> Json:
        """Make a draft a bill."""
        return self._on_bill(organization, bill_id, "activate")

    def pay_bill(
        self, organization: str, bill_id: str, status: str = "PAID", amount: str | None = None
    ) -> Json:
        """Pay or schedule a bill, whole unless an amount is given."""
        extra = {} if amount is None else {"amount": amount}
        return self._on_bill(organization, bill_id, "pay", status=status, **extra)

    def add_document(self, organization: str, bill_id: str, name: str, content: bytes) -> Json:
        """Attach a file to a bill."""
        body = {"name": name, "content": base64.b64encode(content).decode()}
        return self._object("POST", f"/organizations/{organization}/bills/{bill_id}/documents", body)

    def create_classification(self, organization: str, kind: str, fields: Json) -> Json:
        """Add to ``chart-of-accounts``, ``departments``, ... (the API's resource names)."""
        return self._object("POST", f"/organizations/{organization}/classifications/{kind}", fields)

    def change_classification(self, organization: str, kind: str, entry_id: str, **fields: Any) -> Json:
        """Change one; ``archived`` archives or restores."""
        return self._object(
            "PATCH", f"/organizations/{organization}/classifications/{kind}/{entry_id}", fields
        )

    def organization_settings(self, organization: str, **settings: Any) -> Json:
        """Change BillSettings (see deploy/sandbox/bill/models.py); gives all of them."""
        return self._object("PATCH", f"/organizations/{organization}/settings", settings)

    def organization_access(self, organization: str, **access: Any) -> Json:
        """``locked``, ``dev_key_active``, ``passwords`` by username."""
        return self._object("PATCH", f"/organizations/{organization}/access", access)

    def expire_sessions(self, organization: str) -> int:
        """End every session of the organization; gives how many."""
        return int(self._object("POST", f"/organizations/{organization}/expire-sessions")["ended"])

    def _on_bill(self, organization: str, bill_id: str, action: str, **body: Any) -> Json:
        return self._object("POST", f"/organizations/{organization}/bills/{bill_id}/{action}", body)
