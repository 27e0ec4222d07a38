"""The two client companies of the accounting firm, as they are before the day begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.countries import Country
from deploy.sandbox.jsonio import Json
from deploy.stage import Addresses

_HERE = Path(__file__).parent
CREDENTIALS: dict[str, dict[str, str]] = {
    "bill": {"username": "erp-sync", "password": "sandbox-token", "dev_key": "01SANDBOXDEVKEY00001"},
    "visma": {"client_id": "isv_connector", "client_secret": "sandbox-secret"},
}
"""What the simulated systems' ready-made worlds let in."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client company: its organization in BILL beside its company in Visma.

    ``accounts`` says which Visma account stands for which account number of BILL.
    """

    id: str
    name: str
    country: Country
    organization: str
    company: str
    accounts: dict[str, str]

    @property
    def file_name(self) -> str:
        """Its settings, as an operator keeps them."""
        return f"{self.id}.toml"

    def settings_text(self, addresses: Addresses, *, visma_tenant: str) -> str:
        """The settings file, with the simulated systems' addresses."""
        template = Template((_HERE / self.file_name).read_text(encoding="utf-8"))
        return template.substitute(
            bill_url=addresses.bill_url,
            events_url=addresses.events_url,
            visma_url=addresses.visma_url,
            token_url=addresses.token_url,
            organization=self.organization,
            company=self.company,
            visma_tenant=visma_tenant,
        )


_SAME = {number: number for number in ("4000", "5010", "5410", "6540")}

ACME = Client("acme-se", "Acme AB", seeds.SWEDEN, "00801SANDBOXSWEDEN01", "1234567", _SAME)
NORDWIND = Client(
    "nordwind-dk",
    "Nordwind ApS",
    seeds.DENMARK,
    "00801SANDBOXDENMARK1",
    "7654321",
    _SAME | {"5410": "4000"},
)
CLIENTS = (ACME, NORDWIND)


def found(control: SandboxControl, client: Client) -> str:
    """Set both systems up for a client; its company's tenant id at Visma Connect."""
    control.seed_organization(seeds.organization(client.country, client.organization))
    company = seeds.company(client.country, client.company)
    control.seed_company(company)
    return str(company["tenant_id"])


def supplier(name: str, **fields: Any) -> Json:
    """A supplier as people entered it in Visma years ago."""
    return {"name": name, "supplierClassId": "1", **fields}
