"""Whether what stands in both systems and in the rows is exactly right; every fault in words.

Judged by the simulated systems' own state and log, which no mistake of the connector can touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from shared.store.pool import Conn
from tests.acceptance.books import Books
from tests.support.ledger_check import Chart, Ledger, check_ledger, marked_bill

CHART = Chart(
    accounts={seeds.account_id(seeds.SWEDEN, number): number for number in ("4000", "5010")},
    account="6540",
    centres={seeds.department_id(seeds.SWEDEN, value): value for value in ("100", "200")},
    centre="000",
    vat_by_account={"5010": "12"},
)
RELEASED = ("invoice_released", "archived_paid")
"""Why a bill may be held in the end: a person released its document before BILL changed it."""


def find_faults(books: Books) -> list[str]:
    """Everything that is wrong for one tenant; empty where all is right."""
    ledger = _read(books)
    released = {marked_bill(effect["body"]) for effect in ledger.log if effect["kind"] == "released"}
    held = set(_held_as(books.conn, books.id, RELEASED)) & released
    left = [bill for bill in ledger.bills if bill["id"] not in held]
    documents = [one for one in ledger.invoices if marked_bill(one) not in held]
    judged = Ledger(ledger.vendors, left, ledger.suppliers, documents, ledger.log, ledger.chart)
    return [
        *check_ledger(judged),
        *check_order(ledger.log),
        *_check_rows(books, held),
        *_check_twins(ledger.invoices, held),
    ]


def check_order(log: Sequence[Json]) -> Iterator[str]:
    """No document before its supplier, and nothing of ours after its release. Pure."""
    suppliers: set[str] = set()
    released: set[tuple[str, str]] = set()
    for effect in log:
        document = (effect["type"], effect["number"])
        if effect["entity"] == "supplier":
            suppliers.add(effect["number"])
        elif effect["kind"] == "created" and effect["body"]["supplier"]["number"] not in suppliers:
            yield f"{document} came before its supplier, at effect {effect['seq']}"
        elif effect["kind"] == "released":
            released.add(document)
        elif document in released and str(effect["by"]).startswith("api:"):
            yield f"{document} was {effect['kind']} after its release, at effect {effect['seq']}"


def _read(books: Books) -> Ledger:
    organization, control = books.organization, books.control
    return Ledger(
        vendors=control.organization_state(organization, "vendors"),
        bills=control.organization_state(organization, "bills"),
        suppliers=books.suppliers(),
        invoices=books.invoices(),
        log=control.visma_log(books.company),
        chart=CHART,
    )


def _held_as(conn: Conn, tenant: str, reasons: Sequence[str]) -> list[str]:
    query = """SELECT bill_id FROM records
               WHERE tenant = %s AND kind = 'bill' AND state = 'held' AND reason = ANY(%s)"""
    return [row["bill_id"] for row in conn.execute(query, (tenant, list(reasons)))]


def _check_rows(books: Books, held: set[str]) -> Iterator[str]:
    """Every row at rest: nothing claimed, announced, due or waiting for a time."""
    query = """SELECT kind, bill_id, state, reason, detail, attempts, lost_claims, claim_token IS NOT NULL
                      AS claimed, intention IS NOT NULL AS announced, wanted - done AS due
               FROM records
               WHERE tenant = %s AND (claim_token IS NOT NULL OR intention IS NOT NULL OR wanted > done
                     OR next_attempt_at IS NOT NULL OR state IN ('held', 'dead', 'pending'))"""
    for row in books.conn.execute(query, (books.id,)):
        if row["state"] != "held" or row["bill_id"] not in held or row["claimed"] or row["announced"]:
            yield f"the row is not at rest: {dict(row)}"
    letters = "SELECT bill_id, error_class, error FROM dead_letters WHERE tenant = %s AND state = 'open'"
    for letter in books.conn.execute(letters, (books.id,)):
        yield f"a dead letter: {dict(letter)}"
    polls = "SELECT source, kind FROM watermarks WHERE tenant = %s AND claim_expires_at < now()"
    for poll in books.conn.execute(polls, (books.id,)):
        yield f"a poll nobody ended: {dict(poll)}"


def _check_twins(invoices: Sequence[Json], held: set[str]) -> Iterator[str]:
    """A held bill has its one released document, like every other."""
    for bill_id in held:
        count = sum(marked_bill(one) == bill_id for one in invoices)
        if count != 1:
            yield f"bill {bill_id} is held with {count} documents"
