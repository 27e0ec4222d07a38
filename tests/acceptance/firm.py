"""One client of the accounting firm: its BILL organization, its Visma company, and the tenant between."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import requests
from psycopg.rows import DictRow

from deploy.sandbox import seeds
from deploy.sandbox.bill.signature import HEADER, sign
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.bill.webhook_keys import SECRET_KIND, WebhookKeys
from shared.store.pool import Conn
from shared.store.progress import wait_for_word
from shared.store.secrets import SecretKind, find_secret, put_secret
from shared.store.tenants import apply_tenant, set_paused
from shared.store.watermarks import poll_now
from shared.tenant_file import parse_tenant
from shared.vault import Vault
from tests.command_line import run

T = TypeVar("T")

KINDS: tuple[SecretKind, SecretKind] = ("bill", "visma")

PATIENCE_S = 30.0
"""How long a test waits for what should happen within a second or two; the machine may be busy."""

LISTEN_S = 0.2
FEWER_POLLS = """UPDATE watermarks SET next_poll_at = now() + interval '1 day'
                 WHERE tenant = %s AND source NOT IN ('bill', 'visma')"""
"""What looks back over longer times has nothing to find in a new tenant."""

QUIET_S = 100_000
"""A poll interval that keeps polls out of a test."""

_RECORD_CALLS = re.compile(r"/v3/(bills|vendors)\b|/v1/(supplier|supplierInvoice)\b")
_TOML = """
[tenant]
id = "{id}"
name = "Åkeri & Söner {id} AB"
[bill]
base_url = "{at.bill_url}"
events_url = "{at.events_url}"
organization_id = "{organization}"
[visma]
base_url = "{at.visma_url}"
token_url = "{at.token_url}"
tenant_id = "{visma_tenant}"
company_id = "{company}"
[sync]
bills_since = 2026-01-01
{sync}
[limits]
{limits}
[mapping]
supplier_class = "1"
country = "SE"
currency = "SEK"
vat_category = "25"
vat_category_exempt = "0"
account = "6540"
branch = "1"
[mapping.accounts]
"4000" = "4000"
"5010" = "5010"
[mapping.vat_categories]
"5010" = "12"
[mapping.credit_terms]
"0pt30" = "30"
[[mapping.segments]]
segment = 1
from = "departmentId"
default = "000"
values = {{ "100" = "100", "200" = "200" }}
"""


@dataclass
class Firm:
    """A client with secrets of its own; ``conn`` listens to what the workers say."""

    stage: Stage
    conn: Conn
    number: int
    folder: Path
    password: str = field(default_factory=lambda: f"pw-{secrets.token_hex(12)}", repr=False)
    dev_key: str = field(default_factory=lambda: f"01{secrets.token_hex(12)}", repr=False)
    client_secret: str = field(default_factory=lambda: f"cs-{secrets.token_hex(12)}", repr=False)

    def __post_init__(self) -> None:
        self.id = f"firm-{self.number}"
        self.organization = f"00801STAGE{self.number:010}"
        self.company = str(1_000_000 + self.number)
        self.username, self.client_id = f"sync-{self.number}", f"isv-{self.number}"
        self.control = self.stage.control

    # What is set up before, and changed by operators.

    def found(self) -> None:
        """Make the organization and the company, empty but for their charts."""
        people = {"dev_key": self.dev_key, "username": self.username, "password": self.password}
        self.control.seed_organization(seeds.swedish_organization(self.organization, **people))
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        self.visma_tenant = str(
            self.control.seed_company(seeds.swedish_company(self.company, **client))["tenant_id"]
        )

    def enroll(self) -> None:
        """Make the tenant, its settings and credentials at once: no poll finds the one without the other."""
        self.found()
        with self.conn.transaction():
            self.apply()
            for kind in KINDS:
                plain = json.dumps(self.credentials[kind]).encode()
                put_secret(self.conn, self.id, kind, self.vault.seal(plain, tenant=self.id, kind=kind))
            self.conn.execute(FEWER_POLLS, (self.id,))

    def subscribe(self) -> None:
        """Let BILL notify us, as operators do."""
        done = run(dict(self.stage.composition.environ), "webhook", "subscribe", self.id)
        assert done.exit_code == 0, done.stderr

    @property
    def vault(self) -> Vault:
        """Seals and unseals as the fleet does."""
        return Vault(self.stage.composition.settings.master_keys)

    def write_file(self, limits: str = "", **sync: object) -> Path:
        """The tenant's TOML file; ``sync`` are settings of that table."""
        quiet = {"poll_interval_s": QUIET_S, "sweep_interval_s": QUIET_S, "attachments": False}
        sync = {**quiet, **sync}
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in sync.items())
        path = self.folder / f"{self.id}.toml"
        text = _TOML.format(at=self.stage.addresses, sync=lines, limits=limits, **vars(self))
        path.write_text(text, "utf-8")
        return path

    def apply(self, limits: str = "", **sync: object) -> None:
        """Change the tenant's settings; it is polled at once."""
        path = self.write_file(limits, **sync)
        apply_tenant(self.conn, parse_tenant(path.read_bytes(), source=str(path)))
        poll_now(self.conn, self.id)

    def pause(self) -> None:
        """Stop all work for the tenant."""
        set_paused(self.conn, self.id, paused=True)

    @property
    def credentials(self) -> dict[str, Json]:
        """What ``credentials set`` is given, by system."""
        return {
            "bill": {"username": self.username, "password": self.password, "dev_key": self.dev_key},
            "visma": {"client_id": self.client_id, "client_secret": self.client_secret},
        }

    # What people do.

    def create_vendor(self, place: int = 0, **fields: Any) -> str:
        """Enter a vendor in BILL; its id."""
        vendor = seeds.vendor(seeds.SWEDEN, place, **fields)
        return str(self.control.create_vendor(self.organization, vendor)["id"])

    def create_bill(self, vendor_id: str, number: str, amount: str = "1250.00", **fields: Any) -> str:
        """Enter an approved bill of one line in BILL; its id."""
        bill = seeds.bill(seeds.SWEDEN, vendor_id, number, amount, **fields)
        return str(self.control.create_bill(self.organization, bill)["id"])

    def sync_vendor(self, place: int = 0, **fields: Any) -> str:
        """Enter a vendor and wait until it is in Visma; its id."""
        vendor_id = self.create_vendor(place, **fields)
        self.settle("vendor", vendor_id)
        return vendor_id

    def sync_bill(self, vendor_id: str, number: str, **fields: Any) -> str:
        """Enter an approved bill and wait until it is in Visma; its id."""
        bill_id = self.create_bill(vendor_id, number, **fields)
        self.settle("bill", bill_id)
        return bill_id

    # What can be seen.

    def suppliers(self) -> list[Json]:
        """The company's suppliers."""
        return self.control.company_state(self.company, "suppliers")

    def invoices(self) -> list[Json]:
        """The company's supplier invoices."""
        return self.control.company_state(self.company, "invoices")

    def effects(self) -> list[tuple[str, str, str]]:
        """What happened in Visma: (kind, entity, number), oldest first."""
        log = self.control.visma_log(self.company)
        return [(effect["kind"], effect["entity"], effect["number"]) for effect in log]

    def calls(self) -> Counter[str]:
        """Calls about vendors, bills, suppliers and supplier invoices so far, such as ``GET /v3/bills/{id}``.

        Log-ins, tokens and reference lists are left out.
        """
        ours = {("bill", self.organization), ("visma", self.company)}
        found: Counter[str] = Counter()
        for line in self.control.calls()["lines"]:
            match = _RECORD_CALLS.search(line["route"])
            if (line["system"], line["tenant"]) in ours and match is not None:
                found[f"{line['method']} {line['route'][match.start() :]}"] += line["count"]
        return found

    def count_calls(self, system: str, route: str, status: int | None = None) -> int:
        """All calls to a system (``bill``, ``visma`` or ``token``) whose route ends so."""
        tenant = self.organization if system == "bill" else self.company
        return sum(
            line["count"]
            for line in self.control.calls()["lines"]
            if (line["system"], line["tenant"]) == (system, tenant)
            and line["route"].endswith(route)
            and status in (None, line["status"])
        )

    def record(self, kind: str, bill_id: str) -> DictRow | None:
        """The record's row."""
        values = (self.id, kind, bill_id)
        query = "SELECT * FROM records WHERE tenant = %s AND kind = %s AND bill_id = %s"
        return self.conn.execute(query, values).fetchone()

    def settle(self, kind: str, bill_id: str, state: str = "synced") -> DictRow:
        """Wait until the record has no work left and is in ``state``; its row."""

        def find() -> DictRow | None:
            row = self.record(kind, bill_id)
            done = row is not None and row["wanted"] == row["done"] and row["state"] == state
            return row if done else None

        return self.until(find, lambda: f"{kind} {bill_id} {state}: {self.record(kind, bill_id)}")

    def until(
        self, find: Callable[[], T | None], what: Callable[[], str] | str, patience_s: float = PATIENCE_S
    ) -> T:
        """Wait until ``find`` finds something; it is asked when a record was settled, and now and then."""
        end = time.monotonic() + patience_s
        while not (found := find()):
            if time.monotonic() > end:
                raise AssertionError(f"in vain: {what if isinstance(what, str) else what()}")
            wait_for_word(self.conn, at_most_s=LISTEN_S)
        return found

    # Knocking at the ingress as BILL does.

    @property
    def keys(self) -> tuple[str, ...]:
        """The webhook keys as they were sealed, the current one first."""
        sealed = find_secret(self.conn, self.id, SECRET_KIND)
        assert sealed is not None
        stored = WebhookKeys.from_bytes(self.vault.unseal(sealed, tenant=self.id, kind=SECRET_KIND))
        return tuple(held.key for held in stored.keys)

    def post(self, body: bytes, *, key: str | None = None, tenant: str | None = None) -> requests.Response:
        """Post a notification, signed with our current key unless told otherwise."""
        return requests.post(
            f"{self.stage.addresses.web_url}/webhooks/bill/{tenant or self.id}",
            data=body,
            headers={"Content-Type": "application/json", HEADER: sign(key or self.keys[0], body)},
            timeout=10,
        )

    def notification(self, event_id: str, kind: str, record_id: str, **metadata: str) -> bytes:
        """A notification as BILL writes them, with no more in it than has to be."""
        known = {"eventId": event_id, "eventType": f"{kind}.created", "organizationId": self.organization}
        entity = {"id": record_id, "updatedTime": "2026-10-31T12:00:00.000+00:00"}
        return json.dumps({"metadata": {**known, "version": "1", **metadata}, kind: entity}).encode()

    def heard(self) -> list[bytes]:
        """The bodies of the notifications that became rows, as they were posted."""
        query = "SELECT body FROM events WHERE tenant = %s ORDER BY received_at"
        return [bytes(row["body"]) for row in self.conn.execute(query, (self.id,))]


def difference(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """The calls between two counts."""
    return dict(after - before)


def amounts(invoices: Iterable[Json]) -> list[tuple[str, str]]:
    """Reference and amount of each document, sorted."""
    return sorted((one["supplierReference"], f"{Decimal(one['amount']):.2f}") for one in invoices)
