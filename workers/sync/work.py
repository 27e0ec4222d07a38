"""The work on one claimed record: what it needs, and the guards before every write to Visma."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.bill.client import BillClient
from shared.errors import NotYet, Refused
from shared.limits import Places
from shared.store import records, watermarks
from shared.store.pool import Conn, Connections
from shared.store.records import Record
from shared.tenants import TenantConfig
from shared.visma.client import VismaClient
from shared.visma.window import WriteWindow
from workers.sync.intention import Intention
from workers.sync.lists import ReferenceLists

TURN_LEASE_S = 40
TURN_WAIT_S = 3


@dataclass(slots=True)
class Work:
    """One record, claimed by us, with everything that making it true takes.

    A turn is held until the outcome is recorded, so that whoever comes next sees it. ``intention`` is
    a create without an answer yet, ``sent`` an update and ``removal`` a deletion without one; while
    ``unanswered``, what became of it was not looked at. ``visma`` writes within ``window``.
    """

    tenant: TenantConfig
    record: Record
    pool: Connections
    bill: BillClient
    visma: VismaClient
    lists: ReferenceLists
    turns: Places
    clock: Callable[[], datetime]
    window: WriteWindow = field(default_factory=WriteWindow)
    intention: Intention | None = None
    sent: Intention | None = None
    removal: Intention | None = None
    unanswered: bool = False
    _turn: ExitStack = field(default_factory=ExitStack)
    _has_turn: bool = False

    def __post_init__(self) -> None:
        if self.record.intention is None:
            return
        self.unanswered = True
        standing = Intention.from_json(self.record.intention)
        if standing.is_removal:
            self.removal = standing
            # its body is another than the row's where an update without an answer came before
            if standing.before is not None or standing.body != self.record.body:
                self.sent = replace(standing, is_update=True, is_removal=False)
        elif standing.is_update:
            self.sent = standing
        else:
            self.intention = standing

    @property
    def sent_body(self) -> dict[str, Any] | None:
        """What an update without an answer may have written."""
        return self.sent.body if self.sent else None

    @property
    def kept_body(self) -> dict[str, Any]:
        """What Visma shows of ours where that update did not happen."""
        return (self.sent.before if self.sent else None) or self.record.body or {}

    @contextmanager
    def conn(self) -> Iterator[Conn]:
        """A database connection for as long as one look or write takes."""
        with self.pool.connection() as conn:
            yield conn

    def take_turn(self) -> None:
        """Wait for this company's turn to write. Raises NoPlace when others keep it too long."""
        if self._has_turn:
            return
        self._turn.enter_context(
            self.turns.hold(
                turn_key(self.tenant),
                self.tenant.limits.visma_concurrency,
                lease_s=TURN_LEASE_S,
                wait_s=TURN_WAIT_S,
            )
        )
        self._has_turn = True

    def take_supplier_turn(self) -> None:
        """Matching and creating a supplier happen one vendor at a time, whatever the concurrency."""
        self._turn.enter_context(
            self.turns.hold(f"supplier-{turn_key(self.tenant)}", 1, lease_s=TURN_LEASE_S, wait_s=TURN_WAIT_S)
        )

    def end_turn(self) -> None:
        """Let the next one write; called once the outcome is recorded, or there is none."""
        self._turn.close()
        self._has_turn = False

    def announce(self, intention: Intention | None = None) -> None:
        """Prolong the claim past the coming call and store what it is about to create, if anything.

        Raises ClaimLost when the row is no longer ours: then nothing may be written.
        """
        self.window.open()
        with self.conn() as conn:
            records.extend(conn, self.record, intention.to_json() if intention else None)
        if intention is not None and not (intention.is_update or intention.is_removal):
            self.intention = intention

    @contextmanager
    def in_doubt(self) -> Iterator[None]:
        """A change that Visma refuses by a server error may have happened all the same."""
        try:
            yield
        except Refused as error:
            self.unanswered = self.unanswered or not error.sure
            raise

    def ensure_visma_known(self) -> None:
        """No create before what people entered in Visma is known, and known freshly enough.

        Raises NotYet until both lists were walked whole, no longer than two poll intervals ago.
        """
        with self.conn() as conn:
            age_s = watermarks.measure_visma_age_s(conn, self.tenant.id)
        allowed_s = max(2 * self.tenant.sync.poll_interval_s, 60)
        if age_s is None:
            raise NotYet("walk_first", "Visma's suppliers and invoices are being read for the first time")
        if age_s > allowed_s:
            raise NotYet("walk_first", f"Visma was last read {age_s:.0f} s ago: waiting for the next poll")


def turn_key(tenant: TenantConfig) -> str:
    """Who takes turns: all that write to one company, be they of one tenant or of several."""
    return f"visma-turn:{tenant.visma.company_id}"
