"""A client whose bookkeeping is looked at closely: without webhooks, with settings of its own.

What BILL has is found by polls alone, and a test says when: ``walk`` runs one and waits for its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from click.testing import Result
from psycopg.rows import DictRow

from deploy.sandbox import seeds
from deploy.sandbox.app import BILL
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.store.pool import Conn
from shared.store.watermarks import poll_now
from tests.acceptance.firm import PATIENCE_S, Firm
from tests.command_line import run, run_json

Key = tuple[str, str]
"""Kind and BILL id of a record."""

BILL_LIST = f"{BILL}/v3/bills"
"""The route of BILL's list of bills, as the sandbox counts it."""

FIRST_NUMBER = 500
"""Where the numbers of these clients begin; those of the others count from one."""


_LATE = """
SELECT kind FROM watermarks
WHERE tenant = %(tenant)s AND source = %(source)s AND NOT COALESCE(last_complete_at > %(began)s, false)
"""
_AGAIN = """
UPDATE watermarks SET next_poll_at = now()
WHERE tenant = %(tenant)s AND source = %(source)s AND NOT COALESCE(last_complete_at > %(began)s, false)
  AND next_poll_at > now()
"""


class Books(Firm):
    """A client without a webhook subscription."""

    # What operators do.

    def command(self, *words: str) -> Result:
        """Run the command ``connector``."""
        return run(dict(self.stage.composition.environ), *words)

    def ask(self, *words: str) -> Any:
        """The answer of a command, as its ``--json`` gives it."""
        return run_json(dict(self.stage.composition.environ), *words)

    def apply_file(self, *edits: tuple[str, str], limits: str = "", **sync: object) -> None:
        """Apply the tenant's file as an operator does; each edit replaces a text of it."""
        path = self.write_file(limits, **sync)
        text = path.read_text("utf-8")
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
        done = self.command("tenant", "apply", str(path))
        assert done.exit_code == 0, done.stderr

    # Polls.

    def walk(self, source: str, patience_s: float = PATIENCE_S) -> None:
        """Have all lists of a source walked from now on, and wait until that is stored."""
        began = self.conn.execute("SELECT clock_timestamp() AS now").fetchone()
        assert began is not None
        values = {"tenant": self.id, "source": source, "began": began["now"]}

        def done() -> bool:  # one that ran meanwhile had begun too early: it has to run once more
            missing = self.conn.execute(_LATE, values).fetchall()
            self.conn.execute(_AGAIN, values)
            return not missing

        self.until(done, lambda: f"a walk of {source}: {self.watermarks(source)}", patience_s)

    def poll_now(self, source: str) -> None:
        """Have all lists of a source walked, without waiting for it."""
        poll_now(self.conn, self.id, source=source)

    def rest(self) -> None:
        """Wait until no poll runs and none is due."""
        query = """SELECT bool_and(next_poll_at > now() AND claim_token IS NULL) AS resting
                   FROM watermarks WHERE tenant = %s"""

        def resting() -> bool:
            row = self.conn.execute(query, (self.id,)).fetchone()
            return bool(row and row["resting"])

        self.until(resting, "all polls at rest", patience_s=120.0)

    def watermarks(self, source: str) -> list[DictRow]:
        """How far the polls of a source have come."""
        query = "SELECT * FROM watermarks WHERE tenant = %s AND source = %s ORDER BY kind"
        return self.conn.execute(query, (self.id, source)).fetchall()

    def unfinished(self) -> list[str]:
        """The lists that were never walked whole, and why."""
        query = (
            "SELECT source, kind, last_error FROM watermarks WHERE tenant = %s AND last_complete_at IS NULL"
        )
        rows = self.conn.execute(query, (self.id,))
        return [f"{row['source']} {row['kind']}: {row['last_error']}" for row in rows]

    # What stands in the rows.

    def known(self, kind: str = "bill") -> set[str]:
        """BILL ids of all records of a kind."""
        query = "SELECT bill_id FROM records WHERE tenant = %s AND kind = %s"
        return {row["bill_id"] for row in self.conn.execute(query, (self.id, kind))}

    def states(self, keys: Iterable[Key]) -> dict[Key, tuple[str, str | None]]:
        """State and reason of each record that has no work left."""
        query = "SELECT kind, bill_id, state, reason FROM records WHERE tenant = %s AND wanted = done"
        found = {
            (row["kind"], row["bill_id"]): (row["state"], row["reason"])
            for row in self.conn.execute(query, (self.id,))
        }
        return {key: found[key] for key in keys if key in found}

    def expect(self, wanted: dict[Key, tuple[str, str | None]], patience_s: float = 40.0) -> None:
        """Wait until every record is settled in its state, for its reason."""

        def reached() -> bool:
            return self.states(wanted) == wanted

        def missed() -> str:
            found = self.states(wanted)
            wrong = {key: (found.get(key), want) for key, want in wanted.items() if found.get(key) != want}
            details = {key: (self.record(*key) or {}).get("detail") for key in wrong}
            return f"{len(wrong)} of {len(wanted)}, found and wanted: {wrong} {details}"

        self.until(reached, missed, patience_s)

    def expect_all(self, kind: str, ids: Sequence[str], state: str, reason: str | None = None) -> None:
        """Wait until all these records are in one state."""
        self.expect({(kind, each): (state, reason) for each in ids})

    def quiet(self, patience_s: float = 60.0) -> None:
        """Wait until no record has work left."""
        query = "SELECT count(*) AS left FROM records WHERE tenant = %s AND wanted > done AND state <> 'dead'"

        def left() -> int:
            row = self.conn.execute(query, (self.id,)).fetchone()
            return int(row["left"]) if row else 0

        self.until(lambda: left() == 0, lambda: f"{left()} records have work left", patience_s)

    def detail(self, kind: str, bill_id: str) -> str:
        """Why a record is where it is, in words."""
        row = self.record(kind, bill_id)
        return str(row["detail"]) if row else ""

    def forget_work(self) -> None:
        """Count all that was found as done, to spare the workers what is no part of a test."""
        query = """UPDATE records r SET done = wanted, state = 'ignored'
                   FROM (SELECT kind, bill_id FROM records WHERE tenant = %(tenant)s AND wanted > done
                         FOR UPDATE SKIP LOCKED) AS done
                   WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (done.kind, done.bill_id)"""
        self.conn.execute(query, {"tenant": self.id})

    # What stands in BILL and in Visma.

    def bill(self, bill_id: str) -> Json:
        """A bill as BILL has it."""
        rows = self.control.organization_state(self.organization, "bills")
        return next(row for row in rows if row["id"] == bill_id)

    def change_bill(self, bill_id: str, **fields: Any) -> None:
        """Someone changes a bill in BILL."""
        self.control.change_bill(self.organization, bill_id, **fields)

    def change_line(self, bill_id: str, place: int = 0, **fields: Any) -> None:
        """Someone changes one line of a bill in BILL."""
        line = self.bill(bill_id)["billLineItems"][place]
        self.change_bill(bill_id, billLineItems=[{"id": line["id"], **fields}])

    def invoice_of(self, bill_id: str) -> Json:
        """The one document in Visma that carries this bill's marker."""
        found = self.invoices_of(bill_id)
        assert len(found) == 1, [(one["documentType"], one["referenceNumber"]) for one in found]
        return found[0]

    def invoices_of(self, bill_id: str) -> list[Json]:
        """The documents in Visma that carry this bill's marker and are not voided."""
        return [
            one
            for one in self.invoices()
            if str(one["note"] or "").split("\n")[0] == f"BILL:{bill_id}" and one["status"] != "Voided"
        ]

    def supplier_of(self, vendor_id: str) -> Json:
        """The supplier that a vendor's record is linked to."""
        row = self.record("vendor", vendor_id)
        number = row["visma_number"] if row else None
        return next(one for one in self.suppliers() if one["number"] == number)

    def our_effects(self) -> list[Key]:
        """What the connector did in Visma: kind and entity, oldest first."""
        log = self.control.visma_log(self.company)
        return [(one["kind"], one["entity"]) for one in log if str(one["by"]).startswith("api:")]

    def enter_invoice(self, supplier: str, reference: str, amount: str, **fields: Any) -> str:
        """A person enters a supplier invoice of one line in Visma; its number."""
        line = {
            "quantity": 1,
            "unitCostInCurrency": Decimal(amount),
            "accountNumber": "4000",
            "vatCodeId": "25",
        }
        document: Json = {
            "documentType": "Invoice",
            "supplierNumber": supplier,
            "supplierReference": reference,
            "date": "2026-10-31",
            "taxCalculationMode": "Gross",
            "invoiceLines": [line],
            **fields,
        }
        return str(self.control.create_invoice(self.company, document)["referenceNumber"])


def open_books(stage: Stage, conn: Conn, folder: Path, number: int, *, subscribed: bool = False) -> Books:
    """A client of its own, polled once."""
    books = Books(stage, conn, FIRST_NUMBER + number, folder)
    books.enroll()
    if subscribed:
        books.subscribe()
    polled = """SELECT bool_and(last_complete_at IS NOT NULL) AS done FROM watermarks
                WHERE tenant = %s AND source IN ('bill', 'visma')"""

    def done() -> bool:
        row = conn.execute(polled, (books.id,)).fetchone()
        return bool(row and row["done"])

    books.until(done, lambda: f"the first polls: {books.unfinished()}", patience_s=60.0)
    return books


def bill_line(
    amount: str, account: str | None = "4000", department: str | None = "100", **fields: Any
) -> Json:
    """A line of a bill; account and department by their number in Visma."""
    named: Json = {}
    if account is not None:
        named["chartOfAccountId"] = seeds.account_id(seeds.SWEDEN, account)
    if department is not None:
        named["departmentId"] = seeds.department_id(seeds.SWEDEN, department)
    return {"amount": Decimal(amount), "description": f"Rad {amount}", "classifications": named, **fields}
