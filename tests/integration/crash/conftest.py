"""One sandbox for the run; a tenant, a company and an organization of its own for every set of scenes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import redis

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.launch import Addresses, launched
from tests.integration.crash.injector import Injector, install
from tests.integration.crash.workshop import Workshop
from tests.support.tenants import tenant_config

_numbers = itertools.count(1)

OpenWorkshop = Callable[..., AbstractContextManager[Workshop]]


@pytest.fixture(scope="session")
def crash_sandbox() -> Iterator[Addresses]:
    """A running sandbox."""
    with launched() as at:
        yield at


@pytest.fixture
def open_workshop(
    crash_sandbox: Addresses,
    empty_dsn: str,
    redis_url: str,
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[OpenWorkshop]:
    """Opens the workshop of a new tenant; keywords are keys of its ``sync`` table."""
    injector = Injector()
    install(injector, monkeypatch)
    with SandboxControl(crash_sandbox.control_url) as sandbox:

        @contextmanager
        def open_one(**sync: Any) -> Iterator[Workshop]:
            number = next(_numbers)
            company = seeds.swedish_company(f"{2_000_000 + number}", settings={"release_delay_s": 0})
            organization = seeds.swedish_organization(
                f"00801CRASH{number:010d}", dev_key=f"01CRASH{number:013d}"
            )
            sandbox.seed_company(company)
            sandbox.seed_organization(organization)
            config = tenant_config(
                f"crash{number}",
                _tables(crash_sandbox, organization, company, {**sync, "attachments": False}),
            )
            credentials = {
                "bill": {
                    "username": "erp-sync",
                    "password": "sandbox-token",
                    "dev_key": organization["dev_key"],
                },
                "visma": {"client_id": "isv_connector", "client_secret": "sandbox-secret"},
            }
            shop = Workshop(injector, empty_dsn, redis_url, sandbox, config, credentials)
            try:
                shop.poll()
                yield shop
            finally:
                shop.close()

        yield open_one


def _tables(
    at: Addresses, organization: dict[str, Any], company: dict[str, Any], sync: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    return {
        "bill": {
            "base_url": at.bill_url,
            "events_url": at.events_url,
            "organization_id": organization["id"],
        },
        "visma": {
            "base_url": at.visma_url,
            "token_url": at.token_url,
            "tenant_id": company["tenant_id"],
            "company_id": company["company_id"],
        },
        "sync": sync,
        "mapping": {
            "accounts": {number: number for number in ("4000", "5010", "5410", "6540")},
            "segments": [{"segment": 1, "from": "departmentId", "values": {"100": "100", "200": "200"}}],
        },
    }
