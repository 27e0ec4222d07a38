"""One sandbox for the run; for each test a fresh organization, company, database and Redis."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import redis

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.launch import Addresses, launched
from tests.support.bench import Bench
from tests.support.tenants import tenant_config

_numbers = itertools.count(1)

EU = {"supplier_class": "2", "vat_zone": "02", "vat": "none", "vat_category": "21"}

MakeBench = Callable[..., Bench]


@pytest.fixture(scope="session")
def sandbox_at() -> Iterator[Addresses]:
    """A running sandbox."""
    with launched() as at:
        yield at


@pytest.fixture
def sandbox(sandbox_at: Addresses) -> Iterator[SandboxControl]:
    """Its control interface, without faults."""
    with SandboxControl(sandbox_at.control_url) as sandbox:
        sandbox.clear_faults()
        sandbox.reset_calls()
        yield sandbox
        assert sandbox.calls()["violations"] == [], "a limit was overrun"


@pytest.fixture
def make_bench(
    sandbox_at: Addresses,
    sandbox: SandboxControl,
    empty_dsn: str,
    redis_url: str,
    redis_client: redis.Redis,
) -> Iterator[MakeBench]:
    """Makes the bench; keywords are tables of the tenant's file, ``company`` extra keys of the seed."""
    made: list[Bench] = []

    def make(company: Mapping[str, Any] | None = None, **tables: Mapping[str, Any]) -> Bench:
        number = next(_numbers)
        seed = seeds.swedish_company(f"{1_000_000 + number}", **(company or {}))
        organization = seeds.swedish_organization(f"00801BENCH{number:010d}", dev_key=f"01BENCH{number:013d}")
        sandbox.seed_company(seed)
        sandbox.seed_organization(organization)
        config = tenant_config("acme", _tables(sandbox_at, organization, seed, tables))
        credentials = {
            "bill": {
                "username": "erp-sync",
                "password": "sandbox-token",
                "dev_key": organization["dev_key"],
            },
            "visma": {"client_id": "isv_connector", "client_secret": "sandbox-secret"},
        }
        made.append(Bench(empty_dsn, redis_url, sandbox, config, credentials))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """The bench with default settings."""
    return make_bench()


def _tables(
    at: Addresses, organization: Mapping[str, Any], company: Mapping[str, Any], tables: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    own: dict[str, dict[str, Any]] = {
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
        "sync": {"attachments": False},
        "mapping": {
            "accounts": {number: number for number in ("4000", "5010", "5410", "6540")},
            "vat_categories": {"5010": "12", "6540": "6"},
            "segments": [{"segment": 1, "from": "departmentId", "values": {"100": "100", "200": "200"}}],
            "countries": {"EU": EU},
        },
    }
    for name, changes in tables.items():
        own[name] = {**own.get(name, {}), **changes}
    return own
