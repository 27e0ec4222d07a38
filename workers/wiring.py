"""The composition root of workers and command line: the only place that constructs things.

One ``Context`` a process, made on first use and therefore after a fork. Nothing in it connects before
it is asked to.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from celery import Celery
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared import jsontext, metrics, queues
from shared.bill.client import BillClient
from shared.bill.documents import BillDocuments
from shared.bill.session import LOGIN_ROUTE, BillCredentials, BillSessions
from shared.bill.subscriptions import Subscriptions
from shared.bill.webhook_keys import SECRET_KIND, WebhookKeys
from shared.budget import Budget
from shared.circuit import Circuits, System
from shared.clock import Clock, utc_now
from shared.doubts import Doubts
from shared.errors import NotYet, Permanent
from shared.http import HttpSession
from shared.limits import Places
from shared.settings import Settings
from shared.store import attachments, marks, secrets, tenants
from shared.store.pool import Pool, make_pool
from shared.store.records import Record
from shared.store.secrets import SecretKind
from shared.store.shadow import Shadow
from shared.store.tenants import TenantRow
from shared.store.watermarks import Poll
from shared.stream import EventStream
from shared.tally import Tally
from shared.tenants import TenantConfig
from shared.vault import Vault
from shared.visma.client import VismaClient
from shared.visma.dry import DryVisma
from shared.visma.token import TOKEN_ROUTE, VismaCredentials, VismaTokens
from shared.visma.window import WriteWindow
from workers.sync.attachment_work import AttachmentWork
from workers.sync.dispatch import Dispatcher
from workers.sync.lists import ReferenceLists
from workers.sync.plan import Plan
from workers.sync.poll import PollWork
from workers.sync.recover import DeliveryLog
from workers.sync.work import Work

V = TypeVar("V", bound=VismaClient)

REDIS_TIMEOUT_S = 5.0
PAGES_AT_ONCE = 6
"""As many as Flower runs at once, and a bulk replay beside them."""
DOORS = (LOGIN_ROUTE, TOKEN_ROUTE)


@dataclass(slots=True)
class _Clients:
    """One tenant's clients, good for as long as its settings stay the same."""

    config: TenantConfig
    bill: BillClient
    visma: VismaClient


class Context:
    """What a worker, or the command line, works with. ``worker_name`` keys its session and token."""

    def __init__(self, settings: Settings, *, worker_name: str, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.worker_name = worker_name
        self.clock = clock
        self.vault = Vault(settings.master_keys)
        self._clients: dict[str, _Clients] = {}

    @cached_property
    def pool(self) -> Pool:
        """Connections to PostgreSQL."""
        return make_pool(self.settings.database_url, name=self.worker_name)

    @cached_property
    def page_pool(self) -> Pool:
        """Connections that Flower's pages hold while what they call takes one of the ``pool``.

        One pool for both would be empty once as many pages wait for their second connection.
        """
        return make_pool(self.settings.database_url, name=f"{self.worker_name} pages", max_size=PAGES_AT_ONCE)

    @cached_property
    def redis(self) -> Redis:
        """Redis, answering in bytes."""
        return Redis.from_url(
            self.settings.redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 1),  # once more on a connection gone stale; the rest is ours to time
        )

    @cached_property
    def sender(self) -> Celery:
        """An app that sends tasks and runs none."""
        return queues.make_producer(self.settings.redis_url)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """Sends due records to the workers."""
        return Dispatcher(self.sender, self.pool, self.circuits)

    @cached_property
    def circuits(self) -> Circuits:
        """Which tenants' systems answer at the moment."""
        return Circuits(self.redis)

    @cached_property
    def stream(self) -> EventStream:
        """The webhooks that the ingress accepted."""
        return EventStream(self.redis)

    @cached_property
    def places(self) -> Places:
        """Who may work at an upstream system, over the whole fleet."""
        return Places(self.redis, recall=self._recall_life, remember=self._remember_life)

    @cached_property
    def budget(self) -> Budget:
        """How many calls are left this hour."""
        return Budget(self.redis)

    @cached_property
    def doubts(self) -> Doubts:
        """Whose credentials are refused although they just let us in."""
        return Doubts(self.redis, clock=self.clock)

    @cached_property
    def tally(self) -> Tally:
        """Adds what this process counts to what the fleet counted."""
        return Tally(self.redis)

    def get_tenant(self, tenant: str) -> TenantRow:
        """The tenant as it stands now. Raises UsageError for an unknown one."""
        with self.pool.connection() as conn:
            return tenants.get_tenant(conn, tenant)

    def bill(self, config: TenantConfig) -> BillClient:
        """The tenant's BILL."""
        return self._clients_of(config).bill

    def visma(self, config: TenantConfig) -> VismaClient:
        """The tenant's Visma."""
        return self._clients_of(config).visma

    def subscriptions(self, config: TenantConfig) -> Subscriptions:
        """The tenant's webhook subscriptions at BILL."""
        return Subscriptions(self.bill(config))

    def find_delivery_log(self, config: TenantConfig) -> DeliveryLog | None:
        """BILL's log of what it sent through the tenant's subscription; None where it has none.

        Raises Retryable or Permanent where the stored key does not open.
        """
        with self.pool.connection() as conn:
            sealed = secrets.find_secret(conn, config.id, SECRET_KIND)
        if sealed is None:
            return None
        try:
            keys = WebhookKeys.from_bytes(self.vault.unseal(sealed, tenant=config.id, kind=SECRET_KIND))
        except ValueError as error:
            raise Permanent(str(error)) from error
        return DeliveryLog(config, keys.subscription_id, self.subscriptions(config), self.pool, self.clock)

    def lists(self, config: TenantConfig) -> ReferenceLists:
        """The tenant's reference lists of both systems."""
        return ReferenceLists(
            self.redis,
            config,
            self.bill(config),
            self.visma(config),
            now=lambda: self.clock().timestamp(),
        )

    def work(self, config: TenantConfig, record: Record) -> Work:
        """The work on one claimed record."""
        window = WriteWindow()
        return Work(
            tenant=config,
            record=record,
            pool=self.pool,
            bill=self.bill(config),
            visma=self.visma(config).within(window),
            lists=self.lists(config),
            turns=self.places,
            clock=self.clock,
            window=window,
        )

    def plan(self, config: TenantConfig, shadow: Shadow) -> Plan:
        """The dry run of a tenant's sync on a copy of its rows."""
        visma = self._make_visma(config, DryVisma)
        return Plan(config, shadow, self.bill(config), visma, self.lists(config), self.clock)

    def attachment_work(self, config: TenantConfig, claim: attachments.Claim) -> AttachmentWork:
        """The work on the documents of one claimed bill."""
        window = WriteWindow()
        return AttachmentWork(
            tenant=config,
            claim=claim,
            pool=self.pool,
            documents=BillDocuments(self.bill(config)),
            visma=self.visma(config).within(window),
            turns=self.places,
            clock=self.clock,
            actor=self.worker_name,
            window=window,
        )

    def poll_work(
        self,
        config: TenantConfig,
        poll: Poll,
        resume: dict[str, Any] | None = None,
        until: float = math.inf,
    ) -> PollWork:
        """One walk of one of the tenant's lists, or a piece of it."""
        return PollWork(
            config, poll, self.pool, self.bill(config), self.visma(config), self.clock, resume, until
        )

    def bill_credentials(self, tenant: str) -> BillCredentials:
        """Unsealed for one call. Raises NotYet until there are any."""
        return BillCredentials(**self._unseal(tenant, "bill"))

    def visma_credentials(self, tenant: str) -> VismaCredentials:
        """Unsealed for one call. Raises NotYet until there are any."""
        return VismaCredentials(**self._unseal(tenant, "visma"))

    def close(self) -> None:
        """Let go of what was opened."""
        if "tally" in self.__dict__:
            self.tally.stop()
        for name in {"pool", "page_pool"} & self.__dict__.keys():
            self.__dict__[name].close()
        if "redis" in self.__dict__:
            self.redis.close()

    def _recall_life(self) -> str:
        with self.pool.connection() as conn:
            return marks.find_mark(conn, marks.REDIS_LIFE) or ""

    def _remember_life(self, life: str) -> None:
        with self.pool.connection() as conn:
            marks.put_mark(conn, marks.REDIS_LIFE, life)

    def _unseal(self, tenant: str, kind: SecretKind) -> dict[str, str]:
        with self.pool.connection() as conn:
            sealed = secrets.find_secret(conn, tenant, kind)
        if sealed is None:
            raise NotYet(
                "credentials_first",
                f"no {kind} credentials stored: connector credentials set {tenant} {kind}",
            )
        found: dict[str, str] = jsontext.loads(self.vault.unseal(sealed, tenant=tenant, kind=kind))
        return found

    def _clients_of(self, config: TenantConfig) -> _Clients:
        known = self._clients.get(config.id)
        if known is None or known.config != config:
            known = _Clients(config, self._make_bill(config), self._make_visma(config, VismaClient))
            self._clients[config.id] = known
        return known

    def _http(self, tenant: str, system: System) -> HttpSession:
        """A session whose every call is counted; an answer closes the tenant's circuit to the system.

        Not one of its door, which may let us in while everything behind it is down.
        """

        def observe_call(_: str, route: str, status: str, seconds: float) -> None:
            observe(system, route, status, seconds)
            if status.isdigit() and int(status) < 500 and route not in DOORS:
                self.circuits.note(tenant, system, answered=True)

        return HttpSession(system, observer=observe_call)

    def _make_bill(self, config: TenantConfig) -> BillClient:
        return BillClient(
            config.id,
            config.bill,
            self._http(config.id, "bill"),
            BillSessions(self.redis, self.vault, self.worker_name, budget=self.budget),
            lambda: self.bill_credentials(config.id),
            doubts=self.doubts,
            limits=config.limits,
            places=self.places,
            budget=self.budget,
        )

    def _make_visma(self, config: TenantConfig, make: type[V]) -> V:
        return make(
            config.id,
            config.visma,
            self._http(config.id, "visma"),
            VismaTokens(self.redis, self.vault, self.worker_name),
            lambda: self.visma_credentials(config.id),
            doubts=self.doubts,
            limits=config.limits,
            budget=self.budget,
        )


def observe(system: str, route: str, status: str, seconds: float) -> None:
    """Count an upstream request."""
    metrics.UPSTREAM_REQUESTS.labels(system, route, status).inc()
    metrics.UPSTREAM_SECONDS.labels(system, route).observe(seconds)


@dataclass(slots=True)
class _Process:
    """The context of this process; a fork makes its own."""

    make: Callable[[], Context] | None = None
    pid: int = 0
    context: Context | None = field(default=None, repr=False)


_process = _Process()


def set_context_maker(make: Callable[[], Context]) -> None:
    """Say how this process and its forks make their context; nothing is made yet."""
    _process.make, _process.context = make, None


def get_context() -> Context:
    """The context of this process, made on first use and anew after a fork."""
    if _process.context is None or _process.pid != os.getpid():
        if _process.make is None:
            raise RuntimeError("no context: workers.app was not loaded")
        _process.context, _process.pid = _process.make(), os.getpid()
    return _process.context
