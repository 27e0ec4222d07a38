"""Whether what stands in both systems and in the rows is exactly right; every fault in words.

Judged by the simulated systems' own state and log, which no mistake of the connector can touch.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.sandbox import seeds
from deploy.sandbox.control import SandboxControl
from deploy.sandbox.jsonio import Json
from shared.store.pool import Conn
from tests.acceptance.books import Books
from tests.acceptance.chaos.day import ChaosDay
from tests.support.ledger_check import Chart, Ledger, check_ledger, is_wanted, marked_bill

CHART = Chart(
    accounts={seeds.account_id(seeds.SWEDEN, number): number for number in ("4000", "5010")},
    account="6540",
    centres={seeds.department_id(seeds.SWEDEN, value): value for value in ("100", "200")},
    centre="000",
    vat_by_account={"5010": "12"},
)
RELEASED = ("invoice_released", "archived_paid")
"""Why a bill may be held in the end: a person released its document before BILL changed it."""


def find_faults(books: Books, day: ChaosDay) -> list[str]:
    """Everything that is wrong for one tenant after its day; empty where all is right."""
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
        *check_settings(judged, day.sync, released),
        *check_documents(ledger.invoices, list_files(books.control, books.company), day.documents, released),
    ]


def check_order(log: Sequence[Json]) -> Iterator[str]:
    """No document before its supplier, and no change of ours after its release. Pure.

    A file is no change: a bill's documents go to an invoice that a person released before they could.
    """
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
        elif document in released and effect["kind"] != "attached" and effect["by"].startswith("api:"):
            yield f"{document} was {effect['kind']} after its release, at effect {effect['seq']}"


def check_settings(ledger: Ledger, sync: Mapping[str, Any], released: set[str]) -> Iterator[str]:
    """What the tenant's ``sync`` table asks for, of released documents and of vendors out of use. Pure."""
    if sync.get("release_invoices"):
        for bill in ledger.bills:
            if is_wanted(bill) and bill["id"] not in released:
                yield f"bill {bill['id']} is not released"
    on_hold = sync.get("archived_vendors") == "on_hold"
    status = {one["accountReference"]: one["status"] for one in ledger.suppliers}
    for vendor in ledger.vendors:
        expected = "OnHold" if on_hold and vendor["archived"] else "Active"
        if status.get(vendor["id"], expected) != expected:
            yield f"vendor {vendor['id']}: its supplier is {status[vendor['id']]} instead of {expected}"


def check_documents(
    invoices: Sequence[Json],
    files: Mapping[str, Counter[str]],
    documents: Mapping[str, Sequence[str]],
    released: set[str],
) -> Iterator[str]:
    """Every document once at its bill's invoice; a released one takes no more, but none too many. Pure."""
    for invoice in invoices:
        bill_id = marked_bill(invoice)
        there = files.get(f"{invoice['documentType']}/{invoice['referenceNumber']}", Counter())
        filed = Counter(documents.get(bill_id, ()))
        if there - filed:
            yield f"bill {bill_id} has files of which BILL knows nothing, or twice: {dict(there - filed)}"
        if filed - there and bill_id not in released:
            yield f"bill {bill_id} lacks {dict(filed - there)}"


def list_files(control: SandboxControl, company: str) -> dict[str, Counter[str]]:
    """Names of the files by document; one that does not hold its own name counts as another."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for file in control.company_state(company, "attachments"):
        whole = file["sha256"] == hashlib.sha256(file["name"].encode()).hexdigest()
        found[file["invoice"]][file["name"] if whole and file["revision"] == 1 else f"{file}"] += 1
    return found


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
    copies = "SELECT bill_id, detail FROM attachments WHERE tenant = %s AND (dead OR claim_token IS NOT NULL)"
    for copy in books.conn.execute(copies, (books.id,)):
        yield f"documents are not at rest: {dict(copy)}"
    polls = "SELECT source, kind FROM watermarks WHERE tenant = %s AND claim_expires_at < now()"
    for poll in books.conn.execute(polls, (books.id,)):
        yield f"a poll nobody ended: {dict(poll)}"


def _check_twins(invoices: Sequence[Json], held: set[str]) -> Iterator[str]:
    """A held bill has its one released document, like every other."""
    for bill_id in held:
        count = sum(marked_bill(one) == bill_id for one in invoices)
        if count != 1:
            yield f"bill {bill_id} is held with {count} documents"
