"""What the measurements share: the stage, both systems' hands, the database, and the client companies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from deploy.bench.figures import count_record_calls
from deploy.bench.firm import Firm
from deploy.bench.processes import measure_cpu_s
from deploy.bench.scale import Scale
from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.bill.models import Kind
from shared.errors import ConnectorError
from shared.store.pool import Conn
from shared.store.progress import Scope, count_left, wait_for_word
from workers.cli.subscription import KeyKeeper, notification_url, subscribe
from workers.wiring import Context

T = TypeVar("T")
_LOOK_AGAIN_S = 0.1


class BenchError(ConnectorError):
    """Something that is measured did not come to its end."""


@dataclass
class Site:
    """The stage with its web process; ``conn`` hears of settled records; ``say`` tells what goes on.

    ``worker`` is the process id of the worker that is measured.
    """

    stage: Stage
    control: SandboxControl
    context: Context
    conn: Conn
    scale: Scale
    say: Callable[[str], None]
    worker: int | None = None
    vendors: dict[str, str] = field(default_factory=dict)

    def enroll(self, firm: Firm, *, subscribed: bool) -> None:
        """Make a client company and its tenant, with webhooks or without."""
        visma_tenant = firm.found(self.control)
        config = firm.enroll(self.conn, self.context.vault, self.stage.addresses, visma_tenant)
        if subscribed:
            url = notification_url(self.stage.addresses.web_url, firm.id)
            subscribe(self.context.subscriptions(config), self.keeper(firm), url, grace_s=0)

    def keeper(self, firm: Firm) -> KeyKeeper:
        """The firm's webhook keys."""
        return KeyKeeper(self.conn, self.context.vault, firm.id)

    def make_bills(self, firm: Firm, label: str, count: int) -> list[str]:
        """Enter approved bills of the firm's vendor in BILL; their ids."""
        vendor = self.vendors[firm.id]
        bills = [seeds.bill(seeds.SWEDEN, vendor, f"{label}-{number}") for number in range(count)]
        return list(self.control.create_many(firm.organization, bills=bills)["bills"])

    def warm_up(self, firms: Sequence[Firm]) -> None:
        """Give each firm a vendor and a bill, and wait until both are in Visma: its lists are known then."""
        for firm in firms:
            vendor = seeds.vendor(seeds.SWEDEN, 0)
            self.vendors[firm.id] = str(self.control.create_vendor(firm.organization, vendor)["id"])
            self.make_bills(firm, "W", 1)
        for firm in firms:
            self.wait_invoices(firm, 1)
        self.wait_idle(firms)

    def wait_invoices(self, firm: Firm, count: int) -> None:
        """Wait until the firm's company has so many supplier invoices. Raises WaitTimeout."""
        self.control.wait("invoices", count, timeout_s=self.scale.patience_s, company=firm.company)

    def count_invoices(self, firm: Firm) -> int:
        """How many supplier invoices the firm's company has."""
        return self.control.wait("invoices", 0, company=firm.company)

    def wait_idle(self, firms: Sequence[Firm]) -> None:
        """Wait until no record of these firms has work left."""
        for firm in firms:
            self.until(lambda firm=firm: not count_left(self.conn, Scope(firm.id)), f"{firm.id} is idle")  # type: ignore[misc]

    def wait_polled(self) -> None:
        """Wait until every poll ran and none is due."""
        query = "SELECT bool_and(next_poll_at > now() AND claim_token IS NULL) AS polled FROM watermarks"
        self.until(lambda: (self.conn.execute(query).fetchone() or {})["polled"], "the polls are done")

    def wait_synced(self, firm: Firm, kind: Kind, ids: Sequence[str], since: str) -> None:
        """Wait until these records are synced as BILL showed them at ``since`` or later."""
        query = """SELECT count(*) AS count FROM records
                   WHERE tenant = %s AND kind = %s AND bill_id = ANY(%s) AND wanted = done
                     AND state = 'synced' AND synced_version >= %s::timestamptz"""
        values = (firm.id, kind, list(ids), since)
        self.until(
            lambda: (self.conn.execute(query, values).fetchone() or {})["count"] == len(ids),
            f"{len(ids)} {kind}s of {firm.id} are synced",
        )

    def until(self, find: Callable[[], T | None], what: str) -> T:
        """Wait until ``find`` finds something: asked when a record was settled, and now and then."""
        end = time.monotonic() + self.scale.patience_s
        while not (found := find()):
            if time.monotonic() > end:
                raise BenchError(f"waited {self.scale.patience_s:.0f} s in vain until {what}")
            wait_for_word(self.conn, at_most_s=_LOOK_AGAIN_S)
        return found

    def count_calls(self, firm: Firm) -> dict[str, int]:
        """Calls about the firm's records so far, by system."""
        lines: list[Json] = self.control.calls()["lines"]
        return dict(count_record_calls(lines, firm.by_system))

    def measure_cpu_s(self) -> float:
        """Processor seconds that the measured worker has taken so far."""
        return measure_cpu_s(self.worker) if self.worker is not None else 0.0

    @contextmanager
    def latency(self, seconds: float) -> Iterator[None]:
        """Let every answer of BILL and Visma come so much later."""
        systems = ("bill", "visma") if seconds else ()
        rules = [
            self.control.add_fault("latency", system=system, times=None, seconds=seconds)
            for system in systems
        ]
        try:
            yield
        finally:
            for rule in rules:
                self.control.clear_faults(rule)

    @contextmanager
    def unheard(self, firm: Firm) -> Iterator[None]:
        """Let no notification of the firm's organization be sent."""
        rule = self.control.add_fault("drop_hook", tenant=firm.organization, times=None)
        try:
            yield
        finally:
            self.control.clear_faults(rule)
