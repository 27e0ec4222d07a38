"""All of Visma: companies, client applications and tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.sandbox.clock import Clock
from deploy.sandbox.ids import Ids
from deploy.sandbox.tasks import Tasks
from deploy.sandbox.visma.company import Company
from deploy.sandbox.wire import Call, Reply

ALL_SCOPES = tuple(f"vismanet_erp_service_api:{verb}" for verb in ("create", "read", "update", "delete"))
_JOB_LIFE = timedelta(hours=24)


@dataclass(slots=True)
class ClientApp:
    """A client application: the tenants that approved it and the scopes it was granted."""

    id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...] = ALL_SCOPES
    tenants: set[str] = field(default_factory=set)
    customer_tenants: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Token:
    """A bearer token. ``company_id`` None: of a customer tenant, good for nothing at the API."""

    text: str = field(repr=False)
    client_id: str
    company_id: str | None
    scopes: tuple[str, ...]
    ends_at: datetime


@dataclass(slots=True)
class Job:
    """A background request (Visma reference: background API)."""

    id: str
    company_id: str
    uri: str
    origin: str
    received_at: datetime
    has_request_content: bool
    finished_at: datetime | None = None
    reply: Reply | None = None


class VismaWorld:
    """Visma as one installation holds it."""

    def __init__(self, clock: Clock, ids: Ids, tasks: Tasks, bump: Callable[[], None]) -> None:
        self.clock = clock
        self.ids = ids
        self.tasks = tasks
        self.bump = bump
        self.companies: dict[str, Company] = {}
        self.client_apps: dict[str, ClientApp] = {}
        self.tokens: dict[str, Token] = {}
        self.jobs: dict[str, Job] = {}

    def company_of_tenant(self, tenant_id: str) -> Company | None:
        """The company of a tenant id, if it is a company's."""
        for company in self.companies.values():
            if company.tenant_id == tenant_id:
                return company
        return None

    def issue_token(
        self, app: ClientApp, company: Company | None, scopes: tuple[str, ...], life_s: int
    ) -> Token:
        """A new token that looks like a JWT."""
        text = f"eyJhbGciOiJub25lIn0.{secrets.token_urlsafe(48)}.{secrets.token_urlsafe(16)}"
        ends_at = self.clock.now() + timedelta(seconds=life_s)
        token = Token(text, app.id, company.company_id if company else None, scopes, ends_at)
        self.tokens[text] = token
        return token

    def expire_tokens(self, company_id: str) -> int:
        """End every token of a company; gives how many there were."""
        ended = [text for text, token in self.tokens.items() if token.company_id == company_id]
        for text in ended:
            del self.tokens[text]
        return len(ended)

    def find_job(self, job_id: str) -> Job | None:
        """A background job younger than 24 hours."""
        job = self.jobs.get(job_id)
        if job is not None and self.clock.now() - job.received_at > _JOB_LIFE:
            del self.jobs[job_id]
            return None
        return job


@dataclass(slots=True)
class Visit:
    """One authenticated request: who asks, for which company."""

    call: Call
    world: VismaWorld
    company: Company
    token: Token

    @property
    def by(self) -> str:
        """Who did it, for the log of effects."""
        return f"api:{self.token.client_id}"
