"""A tenant as support finds it in the morning: bills that Visma refused, a vendor that is two suppliers,
a bill whose account nobody mapped."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.sandbox import seeds
from shared.store.tenants import apply_tenant
from shared.store.watermarks import poll_now
from shared.tenant_file import parse_tenant
from tests.acceptance.firm import Firm

REFUSED = "Leverantörens betalningsvillkor saknas. Komplettera leverantören och spara igen."
LETTERS = 8
BEHIND = 3
TWINS = ("Hållbar El i Västerås AB", "Hållbar El i Västerås")
"""Two suppliers in Visma of the vendor's name."""


@dataclass
class Office:
    """The tenant, and the ids of what is wrong with it."""

    firm: Firm
    dead_bills: list[str] = field(default_factory=list)
    twin_numbers: list[str] = field(default_factory=list)
    twin_vendor: str = ""
    waiting_bills: list[str] = field(default_factory=list)
    unmapped_bill: str = ""

    @property
    def id(self) -> str:
        """The tenant's id."""
        return self.firm.id

    @property
    def vendor(self) -> str:
        """What the vendor of the refused bills is called."""
        return str(seeds.vendor(seeds.SWEDEN, 0)["name"])

    def furnish(self) -> None:
        """Let all of it go wrong, and mend its cause: a replay succeeds."""
        self._enroll()
        vendor_id = self.firm.sync_vendor()
        self._let_bills_die(vendor_id)
        self._hold_twin()
        self._leave_unmapped(vendor_id)

    def _enroll(self) -> None:
        firm = self.firm
        firm.enroll()
        for name in TWINS:
            twin = {"name": name, "supplierClassId": "1"}
            self.twin_numbers.append(str(firm.control.create_supplier(firm.company, twin)["number"]))
        path = firm.write_file()
        # No defaults: what is not mapped waits for a person.
        text = path.read_text("utf-8").replace('account = "6540"\n', "").replace('default = "000"\n', "")
        apply_tenant(firm.conn, parse_tenant(text.encode(), source=str(path)))
        poll_now(firm.conn, firm.id)
        firm.subscribe()
        firm.until(self._is_polled, "the first polls")

    def _is_polled(self) -> bool:
        query = """SELECT bool_and(last_complete_at IS NOT NULL AND next_poll_at > now()) AS polled
                   FROM watermarks WHERE tenant = %s AND source IN ('bill', 'visma')"""
        row = self.firm.conn.execute(query, (self.firm.id,)).fetchone()
        return bool(row and row["polled"])

    def _let_bills_die(self, vendor_id: str) -> None:
        firm = self.firm
        rule = firm.control.add_fault(
            "status", system="visma", tenant=firm.company, method="POST", route="/supplierInvoice",
            times=None, status=400, message=REFUSED,
        )  # fmt: skip
        self.dead_bills = [firm.create_bill(vendor_id, f"F-{1001 + place}") for place in range(LETTERS)]
        for bill_id in self.dead_bills:
            firm.settle("bill", bill_id, "dead")
        firm.control.clear_faults(rule)

    def _hold_twin(self) -> None:
        firm = self.firm
        self.twin_vendor = firm.create_vendor(2, additionalInfo={})
        self.waiting_bills = [
            firm.create_bill(self.twin_vendor, f"H-{2001 + place}") for place in range(BEHIND)
        ]
        for bill_id in self.waiting_bills:
            firm.settle("bill", bill_id, "held")

    def _leave_unmapped(self, vendor_id: str) -> None:
        line: dict[str, Any] = {
            "amount": Decimal("980.00"),
            "description": "Molntjänster",
            "classifications": {
                "chartOfAccountId": seeds.account_id(seeds.SWEDEN, "6540"),
                "departmentId": seeds.department_id(seeds.SWEDEN, "300"),
            },
        }
        self.unmapped_bill = self.firm.create_bill(vendor_id, "M-3001", "980.00", billLineItems=[line])
        self.firm.settle("bill", self.unmapped_bill, "held")
