"""What both systems hold for one client when the day is over, read from the systems themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from deploy.demo.clients import Client
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json

MARKER = "BILL:"


@dataclass(frozen=True)
class Books:
    """One client's two systems side by side, and the connector's own records as its command lists them."""

    client: Client
    vendors: list[Json]
    bills: list[Json]
    accounts: list[Json]
    departments: list[Json]
    suppliers: list[Json]
    invoices: list[Json]
    log: list[Json] = field(repr=False)
    records: list[Json] = field(repr=False)

    @cached_property
    def vendors_by_id(self) -> dict[str, Json]:
        """BILL's vendors."""
        return {vendor["id"]: vendor for vendor in self.vendors}

    @cached_property
    def suppliers_by_number(self) -> dict[str, Json]:
        """Visma's suppliers."""
        return {supplier["number"]: supplier for supplier in self.suppliers}

    def invoices_of(self, bill_id: str) -> list[Json]:
        """The documents in Visma whose note names the bill."""
        return [invoice for invoice in self.invoices if marked_bill(invoice) == bill_id]

    def created(self, entity: str, by: str) -> list[Json]:
        """The log's creations of suppliers or supplier invoices by one user."""
        return [
            effect
            for effect in self.log
            if (effect["kind"], effect["entity"], effect["by"]) == ("created", entity, by)
        ]


def marked_bill(invoice: Json) -> str | None:
    """The bill that the first line of a document's note names."""
    first = str(invoice.get("note") or "").partition("\n")[0].strip()
    return first.removeprefix(MARKER) if first.startswith(MARKER) else None


def read_books(control: SandboxControl, client: Client, records: list[Json]) -> Books:
    """Read both systems as they are now; ``records`` is what ``connector records list --json`` said."""
    organization, company = client.organization, client.company
    return Books(
        client=client,
        vendors=control.organization_state(organization, "vendors"),
        bills=control.organization_state(organization, "bills"),
        accounts=control.organization_state(organization, "chart-of-accounts"),
        departments=control.organization_state(organization, "departments"),
        suppliers=control.company_state(company, "suppliers"),
        invoices=control.company_state(company, "invoices"),
        log=control.visma_log(company),
        records=records,
    )
