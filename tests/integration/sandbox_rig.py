"""A running sandbox for tests, and small clients that speak to it as the connector would."""

from __future__ import annotations

import itertools
import queue
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json, dumps, loads
from deploy.sandbox.launch import Addresses, launched

_TIMEOUT_S = 20.0
_serial = itertools.count(1)


def body_of(response: requests.Response) -> Any:
    """The JSON of a response with Decimal numbers."""
    return loads(response.content)


def code_of(response: requests.Response) -> tuple[int, str | None]:
    """(status, BDC code) of a refusal in BILL's array form."""
    return response.status_code, body_of(response)[0].get("code")


@dataclass(slots=True)
class BillUser:
    """Someone logged in to an organization of its own."""

    http: requests.Session
    at: Addresses
    control: SandboxControl
    id: str
    dev_key: str
    session: str = ""

    def log_in(self, username: str = "erp-sync", password: str = "sandbox-token") -> requests.Response:  # noqa: S107
        """Log in and keep the session."""
        body = {"username": username, "password": password, "organizationId": self.id, "devKey": self.dev_key}
        response = self.call("POST", "/v3/login", body, headers={"devKey": "", "sessionId": ""})
        if response.status_code == 200:
            self.session = response.json()["sessionId"]
        return response

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        base: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> requests.Response:
        """One request with this session's headers."""
        sent = {"sessionId": self.session, "devKey": self.dev_key, **(headers or {})}
        data = body if isinstance(body, bytes) else None if body is None else dumps(body).encode()
        url = (base or self.at.bill_url) + path
        return self.http.request(method, url, params=query, data=data, headers=sent, timeout=_TIMEOUT_S)

    def find(self, path: str, query: dict[str, Any]) -> requests.Response:
        """One GET with a query."""
        return self.call("GET", path, **query)

    def events(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """One request to the webhook API, with a fresh idempotency key."""
        headers = {"X-Idempotent-Key": str(uuid.uuid4())}
        return self.call(method, path, body, base=self.at.events_url, headers=headers, **query)

    def vendor(self, place: int = 0, **extra: Any) -> Json:
        """A vendor a person entered."""
        return self.control.create_vendor(self.id, seeds.vendor(seeds.SWEDEN, place, **extra))

    def bill(self, vendor: Json, number: str = "F-1", **extra: Any) -> Json:
        """An approved bill a person entered."""
        return self.control.create_bill(self.id, seeds.bill(seeds.SWEDEN, vendor["id"], number, **extra))


@dataclass(slots=True)
class VismaUser:
    """A client application with a token for a company of its own."""

    http: requests.Session
    at: Addresses
    control: SandboxControl
    id: str
    tenant_id: str
    token: str = ""

    def fetch_token(self, **changed: Any) -> requests.Response:
        """Ask for a token and keep it."""
        form = {
            "grant_type": "client_credentials",
            "client_id": "isv_connector",
            "client_secret": "sandbox-secret",
            "tenant_id": self.tenant_id,
            **changed,
        }
        response = self.http.post(self.at.token_url, data=form, timeout=_TIMEOUT_S)
        if response.status_code == 200:
            self.token = response.json()["access_token"]
        return response

    def call(
        self, method: str, path: str, body: Json | None = None, *, headers: Json | None = None, **query: Any
    ) -> requests.Response:
        """One request with this token; headers set to None are left out."""
        sent = {"Authorization": f"Bearer {self.token}", "ipp-company-id": self.id, **(headers or {})}
        data = None if body is None else dumps(body).encode()
        kept = {name: value for name, value in sent.items() if value is not None}
        url = self.at.visma_url + path
        return self.http.request(method, url, params=query, data=data, headers=kept, timeout=_TIMEOUT_S)

    def supplier(self, name: str = "Leverantör AB", **plain: Any) -> str:
        """Post a supplier; gives its number."""
        response = self.call("POST", "/v1/supplier", wrap({"name": name, "supplierClassId": "1", **plain}))
        assert response.status_code == 201, response.text
        return response.headers["Location"].rsplit("/", 1)[1]

    def post(self, supplier: str, lines: list[Json] | None = None, **plain: Any) -> requests.Response:
        """Post a supplier invoice."""
        return self.call("POST", "/v1/supplierInvoice", invoice_body(supplier, lines, **plain))

    def invoice(self, supplier: str, lines: list[Json] | None = None, **plain: Any) -> Json:
        """Post a supplier invoice that must be accepted; gives it as read."""
        response = self.post(supplier, lines, **plain)
        assert response.status_code == 201, response.text
        path = response.headers["Location"].removeprefix(self.at.visma_url)
        found: Json = body_of(self.call("GET", path))
        return found


def wrap(plain: Json) -> Json:
    """Scalars in Visma's value wrapper."""
    return {
        name: {"value": wrap(value) if isinstance(value, dict) else value} for name, value in plain.items()
    }


def line(amount: str | int = "1250.00", account: str = "4000", **plain: Any) -> Json:
    """An inserted line; ``subaccount`` and ``operation`` stay bare."""
    bare = {"operation": plain.pop("operation", "Insert")}
    bare["subaccount"] = plain.pop("subaccount", [{"segmentId": 1, "segmentValue": "100"}])
    values = {"quantity": 1, "unitCostInCurrency": amount, "accountNumber": account, "vatCodeId": "25"}
    return wrap({**values, **plain}) | bare


def invoice_body(supplier: str, lines: list[Json] | None = None, **plain: Any) -> Json:
    """A supplier invoice in the write shape."""
    fields = {"supplierNumber": supplier, "date": "2026-10-31", "taxCalculationMode": "Gross", **plain}
    return {**wrap(fields), "invoiceLines": [line()] if lines is None else lines}


@dataclass(slots=True)
class Rig:
    """One sandbox; every test seeds tenants of its own in it."""

    at: Addresses
    control: SandboxControl
    http: requests.Session = field(default_factory=requests.Session)

    def organization(self, **extra: Any) -> BillUser:
        """A new organization with its own developer key, and its sync token logged in."""
        number = next(_serial)
        seed = seeds.swedish_organization(f"00801TEST{number:011d}", dev_key=f"dev-key-{number}", **extra)
        made = self.control.seed_organization(seed)
        user = BillUser(self.http, self.at, self.control, made["id"], seed["dev_key"])
        user.log_in()
        return user

    def company(self, **extra: Any) -> VismaUser:
        """A new company and a token for it."""
        seed = seeds.swedish_company(str(2_000_000 + next(_serial)), **extra)
        self.control.seed_company(seed)
        user = VismaUser(self.http, self.at, self.control, seed["company_id"], seed["tenant_id"])
        user.fetch_token()
        return user


@contextmanager
def running_rig() -> Iterator[Rig]:
    """A sandbox process for the time of the block."""
    with launched() as at, SandboxControl(at.control_url) as control:
        rig = Rig(at, control)
        with rig.http:
            yield rig


class HookReceiver:
    """A web server that takes notifications; ``statuses`` are answered first, then 200."""

    def __init__(self) -> None:
        self.statuses: queue.Queue[int] = queue.Queue()
        self._got: queue.Queue[tuple[bytes, str]] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200 if receiver.statuses.empty() else receiver.statuses.get()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver._got.put((body, self.headers["x-bill-sha-signature"]))

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks"

    def take(self) -> tuple[bytes, str]:
        """The next notification: body and signature; raises queue.Empty when none comes."""
        return self._got.get(timeout=_TIMEOUT_S)

    def take_event(self) -> Json:
        """The next notification's JSON."""
        found: Json = loads(self.take()[0])
        return found

    def empty(self) -> bool:
        """Whether nothing more has come."""
        return self._got.empty()

    def __enter__(self) -> HookReceiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
