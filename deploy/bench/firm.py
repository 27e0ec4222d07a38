"""The bench's client companies: each a tenant between its own organization and its own company."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.stage import Addresses
from shared import jsontext
from shared.store.pool import Conn
from shared.store.secrets import SecretKind, put_secret
from shared.store.tenants import apply_tenant
from shared.tenant_file import parse_tenant
from shared.tenants import TenantConfig
from shared.vault import Vault

_SETTINGS = Path(__file__).parent / "tenant.toml"


@dataclass(frozen=True, slots=True)
class Firm:
    """A client company by its number."""

    number: int

    @property
    def id(self) -> str:
        """The tenant's id."""
        return f"bench-{self.number}"

    @property
    def organization(self) -> str:
        """Its id in BILL."""
        return f"00801BENCH{self.number:010}"

    @property
    def company(self) -> str:
        """Its id in Visma."""
        return str(3_000_000 + self.number)

    @property
    def by_system(self) -> dict[str, str]:
        """Its ids as calls are counted by."""
        return {"bill": self.organization, "visma": self.company}

    @property
    def _bill(self) -> dict[str, str]:
        number = self.number
        return {"username": f"sync-{number}", "password": f"pw-{number}", "dev_key": f"01BENCH{number:013}"}

    @property
    def _visma(self) -> dict[str, str]:
        return {"client_id": f"isv-{self.number}", "client_secret": f"cs-{self.number}"}

    def found(self, control: SandboxControl) -> str:
        """Set both systems up; the company's tenant id at Visma Connect."""
        control.seed_organization(seeds.swedish_organization(self.organization, **self._bill))
        company = seeds.swedish_company(self.company, **self._visma)
        return str(control.seed_company(company)["tenant_id"])

    def enroll(self, conn: Conn, vault: Vault, addresses: Addresses, visma_tenant: str) -> TenantConfig:
        """Save settings and credentials; the tenant's polls are due at once."""
        config = parse_tenant(self._settings(addresses, visma_tenant).encode(), source=_SETTINGS.name)
        secrets: dict[SecretKind, dict[str, str]] = {"bill": self._bill, "visma": self._visma}
        with conn.transaction():
            apply_tenant(conn, config)
            for kind, values in secrets.items():
                plain = jsontext.dumps(values).encode()
                put_secret(conn, self.id, kind, vault.seal(plain, tenant=self.id, kind=kind))
        return config

    def _settings(self, at: Addresses, visma_tenant: str) -> str:
        return Template(_SETTINGS.read_text(encoding="utf-8")).substitute(
            id=self.id,
            organization=self.organization,
            company=self.company,
            visma_tenant=visma_tenant,
            bill_url=at.bill_url,
            events_url=at.events_url,
            visma_url=at.visma_url,
            token_url=at.token_url,
        )
