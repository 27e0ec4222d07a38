"""What people do in Visma.net, by the control client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploy.sandbox.control_http import ControlClient
from deploy.sandbox.jsonio import Json


class VismaControl(ControlClient):
    """Suppliers, supplier invoices, set-up and settings of a ``company`` (its id)."""

    def create_supplier(self, company: str, supplier: Json) -> Json:
        """Enter a supplier; write names without wrappers, e.g. ``{"name": "Kontorsvaror AB"}``."""
        return self._object("POST", f"/companies/{company}/suppliers", supplier)

    def change_supplier(self, company: str, number: str, **fields: Any) -> Json:
        """Change fields of a supplier."""
        return self._object("PATCH", f"/companies/{company}/suppliers/{number}", fields)

    def create_invoice(self, company: str, invoice: Json) -> Json:
        """Enter a supplier invoice; write names without wrappers, lines in ``invoiceLines``."""
        return self._object("POST", f"/companies/{company}/invoices", invoice)

    def enter_many(
        self, company: str, *, suppliers: Iterable[Json] = (), invoices: Iterable[Json] = ()
    ) -> Json:
        """Enter many suppliers and invoices at once (a few thousand a request); gives their numbers."""
        body = {"suppliers": list(suppliers), "invoices": list(invoices)}
        return self._object("POST", f"/companies/{company}/many", body)

    def change_invoice(self, company: str, number: str, type: str = "Invoice", **fields: Any) -> Json:
        """Change fields of a supplier invoice; lines with their ``operation``."""
        return self._object("PATCH", f"/companies/{company}/invoices/{type}/{number}", fields)

    def release_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Release at once."""
        return self._on_invoice(company, type, number, "release")

    def reverse_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Reverse; gives the new DebitAdj."""
        return self._on_invoice(company, type, number, "reverse")

    def void_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Void."""
        return self._on_invoice(company, type, number, "void")

    def delete_invoice(self, company: str, number: str, type: str = "Invoice") -> Json:
        """Delete an unreleased document; gives it as it was."""
        return self._on_invoice(company, type, number, "delete")

    def pay_invoice(
        self, company: str, number: str, amount: str | None = None, type: str = "Invoice"
    ) -> Json:
        """Pay a released document, whole unless an amount is given."""
        return self._on_invoice(
            company, type, number, "pay", **({} if amount is None else {"amount": amount})
        )

    def set_account(self, company: str, number: str, **fields: Any) -> Json:
        """Add an account or change it: ``description, active, allow_manual_entry, control_module``, ..."""
        return self._object("PUT", f"/companies/{company}/accounts/{number}", fields)

    def set_segment_value(self, company: str, segment: int, value: str, **fields: Any) -> Json:
        """Add a segment value or change it: ``description``, ``active``."""
        return self._object("PUT", f"/companies/{company}/segments/{segment}/values/{value}", fields)

    def set_period(self, company: str, key: str, **fields: Any) -> Json:
        """Change a period (YYYYPP): ``active, closed_in_supplier_ledger, closed_in_general_ledger``.

        A new one needs ``start`` and ``end``.
        """
        return self._object("PUT", f"/companies/{company}/periods/{key}", fields)

    def set_rate(self, company: str, currency: str, rate: str | None) -> Json:
        """Set an exchange rate, or take it away with None."""
        return self._object("PUT", f"/companies/{company}/rates/{currency}", {"rate": rate})

    def set_vat_category(self, company: str, category: str, **fields: Any) -> Json:
        """Add a VAT category or change it: ``description``, ``active``, ``vat``."""
        return self._object("PUT", f"/companies/{company}/vat-categories/{category}", fields)

    def preferences(self, company: str, **preferences: Any) -> Json:
        """Change Preferences (see deploy/sandbox/visma/models.py); gives all of them."""
        return self._object("PATCH", f"/companies/{company}/preferences", preferences)

    def company_settings(self, company: str, **settings: Any) -> Json:
        """Change VismaSettings (see deploy/sandbox/visma/models.py); gives all of them."""
        return self._object("PATCH", f"/companies/{company}/settings", settings)

    def change_client(self, company: str, client_id: str, **fields: Any) -> Json:
        """A client application's ``secret``, ``scopes``, and whether the company ``approved`` it."""
        return self._object("PATCH", f"/companies/{company}/clients/{client_id}", fields)

    def expire_tokens(self, company: str) -> int:
        """End every token of the company; gives how many."""
        return int(self._object("POST", f"/companies/{company}/expire-tokens")["ended"])

    def _on_invoice(self, company: str, type: str, number: str, action: str, **body: Any) -> Json:
        return self._object("POST", f"/companies/{company}/invoices/{type}/{number}/{action}", body)
