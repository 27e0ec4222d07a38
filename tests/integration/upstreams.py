"""The simulated BILL and Visma for tests of the clients: one process, a fresh tenant for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
import redis
import requests

from deploy.sandbox.launch import launched
from shared import jsontext
from shared.bill.client import BillClient
from shared.bill.session import BillCredentials, BillSessions
from shared.budget import Budget
from shared.doubts import Doubts
from shared.http import HttpSession
from shared.limits import Places
from shared.tenants import BillConfig, LimitsConfig, VismaConfig
from shared.vault import Vault
from shared.visma.client import VismaClient
from shared.visma.token import VismaCredentials, VismaTokens

VAULT = Vault([("k1", b"1" * 32)])


@dataclass
class Upstreams:
    """Addresses of the sandbox and its control interface."""

    urls: dict[str, str]

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One control request; raises on anything but 200."""
        sent = None if body is None else jsontext.dumps(body).encode()
        answer = requests.request(method, self.urls["control_url"] + path, data=sent, timeout=10)
        assert answer.status_code == 200, answer.text
        return jsontext.loads(answer.content)

    def spoil(self, route: str, action: dict[str, Any], **rule: Any) -> None:
        """Spoil the next request whose route matches."""
        match = {"route": route} | rule.pop("match", {})
        self.control("POST", "/faults", {"match": match, "action": action, "times": 1} | rule)


@dataclass
class Observed:
    """What an HTTP session's observer heard."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, system: str, route: str, status: str, seconds: float) -> None:
        self.calls.append((route, status))

    def count(self, route: str) -> int:
        """How many requests went to a route."""
        return sum(1 for called, _ in self.calls if called == route)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Upstreams]:
    """The sandbox as a process of its own, which ends with this one however that ends."""
    with launched() as at:
        yield Upstreams(asdict(at))


@pytest.fixture
def upstreams(sandbox: Upstreams) -> Iterator[Upstreams]:
    """The sandbox without faults."""
    yield sandbox
    sandbox.control("DELETE", "/faults")


@dataclass
class BillSide:
    """An organization with two vendors and a bill, and a way to make clients of it."""

    upstreams: Upstreams
    redis: redis.Redis
    config: BillConfig
    credentials: BillCredentials
    vendors: list[str]
    bills: list[str]
    observed: Observed = field(default_factory=Observed)
    doubts: Doubts | None = None

    def client(
        self, worker: str = "w1", *, logins_per_hour: int = 200, limits: LimitsConfig | None = None
    ) -> BillClient:
        """A client of a worker; all share one observer."""
        budget = Budget(self.redis)
        return BillClient(
            self.config.organization_id,
            self.config,
            HttpSession("bill", observer=self.observed, deadline_s=5),
            BillSessions(self.redis, VAULT, worker, budget=budget, logins_per_hour=logins_per_hour),
            lambda: self.credentials,
            doubts=self.doubts or Doubts(self.redis),
            limits=limits,
            places=Places(self.redis),
            budget=budget,
        )

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A control request about this organization."""
        return self.upstreams.control(method, f"/organizations/{self.config.organization_id}{path}", body)


@pytest.fixture
def bill_side(upstreams: Upstreams, redis_client: redis.Redis) -> BillSide:
    """A fresh organization."""
    return found_bill_side(upstreams, redis_client, uuid.uuid4().hex)


def found_bill_side(upstreams: Upstreams, redis_client: redis.Redis, dev_key: str) -> BillSide:
    """A fresh organization under a developer key."""
    org = f"008{uuid.uuid4().hex[:17]}"
    address = {"line1": "Gatan 1", "city": "Umeå", "zipOrPostalCode": "90325", "country": "SE"}
    users = [
        {"username": "anna", "password": "sekrit"},
        {"username": "sync", "password": "t", "is_token": True},
    ]
    made = upstreams.control(
        "POST",
        "/organizations",
        {
            "id": org,
            "dev_key": dev_key,
            "users": users,
            "vendors": [{"name": name, "address": address} for name in ("Åsa Bröd AB", "Ost & Co")],
            "classifications": {
                "departments": [{"name": f"Dep {number}", "shortName": str(number)} for number in range(130)],
                "chart-of-accounts": [{"name": "Kontor", "account": {"type": "EXPENSE", "number": "6110"}}],
            },
        },
    )
    side = BillSide(
        upstreams,
        redis_client,
        BillConfig(upstreams.urls["bill_url"], upstreams.urls["events_url"], org),
        BillCredentials("anna", "sekrit", dev_key),
        made["vendors"],
        [],
    )
    bill = {
        "vendorId": made["vendors"][0],
        "dueDate": "2026-12-31",
        "invoice": {"invoiceNumber": "F-1", "invoiceDate": "2026-12-01"},
        "billLineItems": [{"amount": 100, "description": "Bröd"}],
        "approvalStatus": "APPROVED",
    }
    side.bills.append(side.control("POST", "/bills", bill)["id"])
    return side


@dataclass
class VismaSide:
    """A company, and a way to make clients of it."""

    upstreams: Upstreams
    redis: redis.Redis
    config: VismaConfig
    credentials: VismaCredentials
    observed: Observed = field(default_factory=Observed)
    doubts: Doubts | None = None

    def client(self, worker: str = "w1", *, limits: LimitsConfig | None = None) -> VismaClient:
        """A client of a worker; all share one observer."""
        return VismaClient(
            self.config.company_id,
            self.config,
            HttpSession("visma", observer=self.observed, deadline_s=5),
            VismaTokens(self.redis, VAULT, worker),
            lambda: self.credentials,
            doubts=self.doubts or Doubts(self.redis),
            limits=limits,
            budget=Budget(self.redis),
        )

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A control request about this company."""
        return self.upstreams.control(method, f"/companies/{self.config.company_id}{path}", body)


@pytest.fixture
def visma_side(upstreams: Upstreams, redis_client: redis.Redis) -> VismaSide:
    """A fresh Swedish company."""
    number, tenant_id, client_id = str(uuid.uuid4().int)[:7], str(uuid.uuid4()), f"isv_{uuid.uuid4().hex[:8]}"
    upstreams.control("POST", "/companies", COMPANY | {
        "company_id": number,
        "tenant_id": tenant_id,
        "clients": [{"client_id": client_id, "client_secret": "sekrit"}],
    })  # fmt: skip
    config = VismaConfig(upstreams.urls["visma_url"], upstreams.urls["token_url"], tenant_id, number)
    return VismaSide(upstreams, redis_client, config, VismaCredentials(client_id, "sekrit"))


COMPANY: dict[str, Any] = {
    "accounts": [{"number": "4000"}, {"number": "2440", "control_module": "AP", "allow_manual_entry": False}],
    "segments": [
        {
            "id": 1,
            "description": "Kostnadsställe",
            "values": [{"value": "100"}, {"value": "200", "active": False}],
        }
    ],
    "vat_categories": [{"id": "25", "description": "25 %"}, {"id": "0", "description": "Fri"}],
    "vats": [
        {"id": "25", "description": "25 %", "rate": 25, "categories": ["25"]},
        {"id": "0", "description": "Fri", "rate": 0, "categories": ["0"]},
    ],
    "vat_zones": {"SE": "Inrikes"},
    "currencies": [{"id": "SEK", "description": "Krona"}, {"id": "EUR", "description": "Euro"}],
    "periods": [{"year": 2026, "period": "12", "start": "2026-12-01", "end": "2026-12-31"}],
    "credit_terms": {"30": {"description": "30 dagar", "days": 30}},
    "branches": {"1": "Huvudkontor"},
    "supplier_classes": {
        "1": {"description": "Inrikes", "defaults": {"vatZoneId": "SE", "creditTermsId": "30"}}
    },
}
