"""The day as the chapters see it: both systems, the commands, and waiting until something has happened."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from deploy.demo.clients import Client
from deploy.demo.narrator import Narrator
from deploy.demo.story import Story
from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.bill.models import Kind
from shared.errors import ConnectorError
from shared.store import progress, records
from shared.store.pool import Conn, connect
from shared.store.progress import Scope

PATIENCE_S = 30.0
"""How long a chapter waits for what must follow by itself, on a busy machine too."""


class DayError(ConnectorError):
    """The day did not go as the story says."""


class Day:
    """Stage, hands and memory of the chapters."""

    def __init__(self, stage: Stage, control: SandboxControl, narrator: Narrator) -> None:
        self.stage, self.control, self.narrator = stage, control, narrator
        self.story = Story()
        self.visma_tenants: dict[str, str] = {}
        self.clock = time.monotonic

    def tell(self, text: str) -> None:
        """What just happened."""
        self.narrator.tell(text)

    def run_each(self, calls: Sequence[tuple[Sequence[str], str | None]]) -> list[str]:
        """Run commands at the same time; what each printed. Input is given beside the words."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self.stage.connector(*call[0], given=call[1]), calls))

    def apply(self, client: Client, text: str) -> str:
        """Write a client's settings file and apply it."""
        path = self.stage.home / client.file_name
        path.write_text(text, encoding="utf-8")
        return self.stage.connector("tenant", "apply", str(path)).strip()

    def settings_text(self, client: Client) -> str:
        """The client's settings file as the day begins."""
        visma_tenant = self.visma_tenants[client.id]
        return client.settings_text(self.stage.addresses, visma_tenant=visma_tenant)

    def new_vendor(self, client: Client, place: int, **fields: Any) -> Json:
        """Someone enters a vendor in BILL."""
        return self.control.create_vendor(client.organization, seeds.vendor(client.country, place, **fields))

    def new_bill(
        self, client: Client, vendor: Json, number: str, amount: str = "1250.00", **fields: Any
    ) -> Json:
        """Someone enters a bill in BILL."""
        bill = seeds.bill(client.country, vendor["id"], number, amount, **fields)
        return self.control.create_bill(client.organization, bill)

    def get_vendor(self, client: Client, name: str) -> Json:
        """A vendor in BILL by its name."""
        return _get(self.control.organization_state(client.organization, "vendors"), name, "name")

    def get_bill(self, client: Client, number: str) -> Json:
        """A bill in BILL by its invoice number."""
        bills = self.control.organization_state(client.organization, "bills")
        return _get(bills, number, "invoice", "invoiceNumber")

    def get_document(self, client: Client, number: str) -> Json:
        """A supplier invoice in Visma by the supplier's number."""
        return _get(self.control.company_state(client.company, "invoices"), number, "supplierReference")

    def get_supplier(self, client: Client, vendor: Json) -> Json:
        """The supplier in Visma that carries the vendor's id."""
        suppliers = self.control.company_state(client.company, "suppliers")
        return _get(suppliers, vendor["id"], "accountReference")

    def wait_for_document(self, client: Client, bill: Json) -> Json:
        """Wait until the bill stands in Visma; the document."""
        number = bill["invoice"]["invoiceNumber"]
        self.control.wait("invoices", company=client.company, reference=number, timeout_s=PATIENCE_S)
        return self.get_document(client, number)

    @contextmanager
    def expect_effect(
        self, client: Client, kind: str, entity: str, number: str, count: int = 1
    ) -> Iterator[None]:
        """What is done inside leads to ``count`` more entries of that kind in Visma's log."""
        wanted = {"kind": kind, "entity": entity, "number": number}
        log = self.control.visma_log(client.company)
        before = sum(1 for one in log if all(one[key] == value for key, value in wanted.items()))
        yield
        self.control.wait("log", before + count, company=client.company, timeout_s=PATIENCE_S, **wanted)

    def wait_for_state(self, client: Client, kind: Kind, record_id: str, state: str) -> str | None:
        """Wait until the connector has judged a record so; the reason it gives."""
        with self._listening() as conn:
            end = self.clock() + PATIENCE_S
            while self.clock() < end:
                record = records.find(conn, client.id, kind, record_id)
                if record is not None and record.state == state:
                    return record.reason
                progress.wait_for_word(conn, at_most_s=1.0)
        raise DayError(f"{client.name}: {kind} {record_id} is not {state} after {PATIENCE_S:.0f} s")

    def wait_until_quiet(self, clients: Sequence[Client]) -> None:
        """Wait until no record of any client has work left."""
        with self._listening() as conn:
            end = self.clock() + PATIENCE_S
            while any(progress.count_left(conn, Scope(client.id)) for client in clients):
                if self.clock() > end:
                    raise DayError(f"the connector is still busy after {PATIENCE_S:.0f} s")
                progress.wait_for_word(conn, at_most_s=1.0)

    def list_records(self, client: Client) -> list[Json]:
        """What ``connector records list`` says."""
        found: list[Json] = self.stage.ask("records", "list", client.id)
        return found

    @contextmanager
    def _listening(self) -> Iterator[Conn]:
        with connect(self.stage.composition.settings.database_url, name="demo") as conn:
            progress.listen(conn)
            yield conn


def as_input(values: dict[str, str]) -> str:
    """Credentials as the command takes them on its input."""
    return json.dumps(values)


def _get(rows: list[Json], value: str, *path: str) -> Json:
    for row in rows:
        found: Any = row
        for name in path:
            found = found.get(name)
        if found == value:
            return row
    raise DayError(f"there is no {'.'.join(path)} {value}")


def since(day: Day, started: float) -> str:
    """How long ago ``started`` was, for a reader."""
    return f"{day.clock() - started:.1f} s"
