"""The end of the month: what failed for good is replayed, and both clients' books are proved."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.demo.books import Books
from deploy.demo.clients import ACME, CLIENTS, NORDWIND, Client
from deploy.demo.day import Day, DayError, since
from deploy.demo.story import Proof
from deploy.sandbox.jsonio import Json

PERIOD = "2026-10"
_REFUSAL = "Dokumentet kan inte sparas: bokföringen är låst."


def replay_dead_letter(day: Day) -> None:
    """Visma refuses a document for good; when the cause is gone, a person has it tried again."""
    day.control.add_fault(
        "status", system="visma", tenant=ACME.company, method="POST", route="/supplierInvoice", times=None,
        status=400, message=_REFUSAL,
    )  # fmt: skip
    vendor = day.get_vendor(ACME, "Östersunds Frakt & Åkeri AB")
    bill = day.new_bill(ACME, vendor, "2026-1211", "2890.00")
    day.wait_for_state(ACME, "bill", bill["id"], "dead")
    letter = _get_letter(day, bill)
    day.tell(
        f"Visma refuses bill 2026-1211: “{_REFUSAL}” Trying again would not help, so the bill becomes dead "
        f"letter {letter['id']} after one try, and nothing else waits for it."
    )
    day.control.clear_faults()
    started = day.clock()
    day.stage.connector("dead-letters", "replay", str(letter["id"]))
    day.narrator.show_commands([f"connector dead-letters replay {letter['id']}"])
    day.wait_for_document(ACME, bill)
    day.tell(
        f"Someone unlocks the books in Visma and replays the letter: {since(day, started)} later the bill is "
        "there, once."
    )


def prove_the_month(day: Day) -> None:
    """October is read fresh from both systems and compared, bill by bill; the history is verified."""
    day.wait_until_quiet(CLIENTS)
    day.narrator.show_commands(
        [
            f"connector close {client.id} --period {PERIOD} --html {_file(client, 'html')}"
            for client in CLIENTS
        ]
    )
    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        closed = list(pool.map(lambda client: _close(day, client), CLIENTS))
        audits = list(pool.map(lambda client: day.stage.ask("audit", "verify", client.id), CLIENTS))
    proofs = {client.id: rows for client, rows in zip(CLIENTS, closed, strict=True)}
    equal = {tenant: _count_equal(rows) for tenant, rows in proofs.items()}
    day.tell(
        f"Month-end. All {equal[NORDWIND.id]} bills that Nordwind approved for October are equal in both "
        f"systems. Of Acme's, {equal[ACME.id]} are equal and EL-77 is missing in Visma, since nobody has "
        "said yet whose it is: so Acme's month does not close."
    )
    sealed = sum(audit["sealed"] for audit in audits)
    day.tell(
        f"The proofs lie in {day.stage.home}, as pages to file and print. {sealed} entries of the history "
        "are sealed by now, and none was edited or removed."
    )
    day.story.promise("the month-end proof names exactly the held bill", _prove_closed(proofs))
    day.story.promise(
        "the audit trail holds",
        lambda _: [str(audit) for audit in audits if not (audit["holds"] and audit["sealed"])],
    )


def _close(day: Day, client: Client) -> list[dict[str, str]]:
    """Run the command; the lines of the CSV it filed."""
    page, sheet = (day.stage.home / _file(client, ending) for ending in ("html", "csv"))
    words = ("close", client.id, "--period", PERIOD, "--html", str(page), "--csv", str(sheet))
    day.stage.connector(*words, fails=client is ACME)
    return _read_sheet(sheet)


def _read_sheet(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _file(client: Client, ending: str) -> str:
    return f"{client.id}-{PERIOD}.{ending}"


def _count_equal(rows: list[dict[str, str]]) -> int:
    return sum(row["verdict"] == "equal" for row in rows)


def _get_letter(day: Day, bill: Json) -> Json:
    for letter in day.stage.ask("dead-letters", "list", ACME.id):
        if letter["bill_id"] == bill["id"]:
            found: Json = letter
            return found
    raise DayError(f"bill {bill['id']} left no dead letter")


def _prove_closed(proofs: dict[str, list[dict[str, str]]]) -> Proof:
    """Against both systems as they are read at the end of the day: every document once, one bill missing."""

    def prove(books: Sequence[Books]) -> list[str]:
        problems = []
        for one in books:
            rows = proofs[one.client.id]
            unequal = {row["reference"]: row["verdict"] for row in rows if row["verdict"] != "equal"}
            wanted = {"EL-77": "missing in Visma"} if one.client is ACME else {}
            if unequal != wanted:
                problems.append(f"{one.client.id}: {unequal} instead of {wanted}")
            if len(rows) - len(unequal) != len(one.invoices):
                problems.append(f"{one.client.id}: {len(rows)} lines, {len(one.invoices)} documents")
        return problems

    return prove
