"""A sandbox in this process, with a tenant, a company and an organization of its own for every scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import redis
import structlog

from deploy.sandbox import seeds
from shared import http
from tests.integration.crash.injector import Injector, install
from tests.integration.crash.stores import Stores
from tests.integration.crash.workshop import Workshop
from tests.support.sandbox_here import HERE, AdapterHere, ControlHere, SandboxHere
from tests.support.tenants import tenant_config

OpenWorkshop = Callable[..., AbstractContextManager[Workshop]]


@pytest.fixture
def no_logs() -> Iterator[None]:
    """Thousands of plays would log hundreds of thousands of lines."""

    def drop(*_: Any) -> Any:
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    yield
    structlog.reset_defaults()


@pytest.fixture
def open_workshop(
    no_logs: None, empty_dsn: str, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> OpenWorkshop:
    """Opens the workshop of a new tenant; keywords are keys of its ``sync`` table."""
    here = SandboxHere()
    monkeypatch.setattr(http, "GuardedAdapter", lambda _: AdapterHere(here))
    injector = Injector()
    install(injector, monkeypatch)

    @contextmanager
    def open_one(**sync: Any) -> Iterator[Workshop]:
        sandbox = ControlHere(here)
        periods = [one for one in seeds.periods() if one["year"] == 2026 and one["period"] >= "10"]
        company = seeds.swedish_company(periods=periods)
        organization = seeds.swedish_organization()
        sandbox.seed_company(company)
        sandbox.seed_organization(organization)
        config = tenant_config("crash", _tables(organization, company, {"attachments": False, **sync}))
        stores = Stores(empty_dsn, redis_client)
        shop = Workshop(
            injector, stores, here, empty_dsn, redis_url, sandbox, config, _credentials(organization)
        )
        try:
            shop.poll()
            yield shop
        finally:
            shop.close()
            stores.close()

    return open_one


def _credentials(organization: dict[str, Any]) -> dict[str, Any]:
    return {
        "bill": {
            "username": "erp-sync",
            "password": "sandbox-token",
            "dev_key": organization["dev_key"],
        },
        "visma": {"client_id": "isv_connector", "client_secret": "sandbox-secret"},
    }


def _tables(
    organization: dict[str, Any], company: dict[str, Any], sync: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    return {
        "bill": {
            "base_url": HERE.bill_url,
            "events_url": HERE.events_url,
            "organization_id": organization["id"],
        },
        "visma": {
            "base_url": HERE.visma_url,
            "token_url": HERE.token_url,
            "tenant_id": company["tenant_id"],
            "company_id": company["company_id"],
        },
        "sync": sync,
        "mapping": {
            "accounts": {number: number for number in ("4000", "5010", "5410", "6540")},
            "segments": [{"segment": 1, "from": "departmentId", "values": {"100": "100", "200": "200"}}],
        },
    }
