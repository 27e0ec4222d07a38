"""What people do in BILL and in Visma, in few words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json


def bill_line(amount: str, account: str = "4000", department: str = "100", **fields: Any) -> Json:
    """A line of a bill; account and department by their number in Visma."""
    return {
        "amount": Decimal(amount),
        "description": f"Rad {amount}",
        "classifications": {
            "chartOfAccountId": seeds.account_id(seeds.SWEDEN, account),
            "departmentId": seeds.department_id(seeds.SWEDEN, department),
        },
        **fields,
    }


class People:
    """The people of one organization in BILL and of its company in Visma."""

    def __init__(self, sandbox: SandboxControl, organization: str, company: str) -> None:
        self.sandbox, self.organization, self.company = sandbox, organization, company

    # --- in BILL -------------------------------------------------------------------------------

    def add_vendor(self, place: int = 0, **fields: Any) -> str:
        """Enter a vendor; its id."""
        vendor = seeds.vendor(seeds.SWEDEN, place, **fields)
        return str(self.sandbox.create_vendor(self.organization, vendor)["id"])

    def change_vendor(self, vendor_id: str, **fields: Any) -> None:
        """Change a vendor."""
        self.sandbox.change_vendor(self.organization, vendor_id, **fields)

    def add_bill(self, vendor_id: str, number: str = "F-1", *lines: Json, **fields: Any) -> str:
        """Enter an approved bill, of one line unless lines are given; its id."""
        if lines:
            fields["billLineItems"] = list(lines)
        bill = seeds.bill(seeds.SWEDEN, vendor_id, number, **fields)
        return str(self.sandbox.create_bill(self.organization, bill)["id"])

    def change_bill(self, bill_id: str, **fields: Any) -> None:
        """Change a bill as PATCH does."""
        self.sandbox.change_bill(self.organization, bill_id, **fields)

    def bill(self, bill_id: str) -> Json:
        """The bill as BILL shows it."""
        rows = self.sandbox.organization_state(self.organization, "bills")
        return next(row for row in rows if row["id"] == bill_id)

    def change_lines(self, bill_id: str, *lines: Json) -> None:
        """Replace the lines of a bill; a line with the id of an old one changes it."""
        whole = self.bill(bill_id)
        kept = {
            name: whole[name] for name in ("vendorId", "dueDate", "invoice", "description") if name in whole
        }
        self.change_bill(bill_id, replace=True, **kept, billLineItems=list(lines))

    # --- in Visma ------------------------------------------------------------------------------

    def add_supplier(self, **fields: Any) -> str:
        """Enter a supplier; its number."""
        supplier = {"name": "Leverantör", "supplierClassId": "1", **fields}
        return str(self.sandbox.create_supplier(self.company, supplier)["number"])

    def change_supplier(self, number: str, **fields: Any) -> None:
        """Change a supplier."""
        self.sandbox.change_supplier(self.company, number, **fields)

    def add_invoice(self, supplier: str, reference: str, amount: str, **fields: Any) -> str:
        """Enter a supplier invoice of one line; its number."""
        line = {
            "quantity": 1,
            "unitCostInCurrency": Decimal(amount),
            "accountNumber": "4000",
            "vatCodeId": "25",
        }
        document = {
            "documentType": "Invoice",
            "supplierNumber": supplier,
            "supplierReference": reference,
            "date": "2026-10-31",
            "hold": False,
            "taxCalculationMode": "Gross",
            "invoiceLines": [line],
            **fields,
        }
        return str(self.sandbox.create_invoice(self.company, document)["referenceNumber"])

    def change_invoice(self, number: str, **fields: Any) -> None:
        """Change a supplier invoice; lines with their ``operation``."""
        self.sandbox.change_invoice(self.company, number, **fields)
