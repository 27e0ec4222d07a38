"""``connector close``: the month-end proof."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from shared.errors import ConnectorError
from shared.store.audit import ROWS_AT_ONCE, AuditBroken, find_head, seal_history
from shared.store.pool import Conn
from shared.store.tenants import get_tenant
from shared.vault import SealBroken, UnknownKeyId
from workers.cli.output import json_option, print_facts, print_heading, print_json, print_table, say, working
from workers.cli.session import Session, pass_session
from workers.close.compare import compare_month
from workers.close.gather import Gathering
from workers.close.models import Month, Notice, Total, exact
from workers.close.report import Report, Stamp
from workers.close.sheet import write_sheet

_SHOWN: Final = 5
_FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command(short_help="Prove that a month's bills stand in Visma as they should.")
@click.argument("tenant")
@click.option("--period", metavar="YYYY-MM", required=True, help="The month of the invoice dates.")
@click.option("--html", "html_file", type=_FILE, help="Write the proof as one page to file and to print.")
@click.option("--csv", "csv_file", type=_FILE, help="Write every bill as a line of a CSV file.")
@json_option
@pass_session
def close(
    session: Session,
    tenant: str,
    period: str,
    html_file: Path | None,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Compare a month's approved bills in BILL with their supplier invoices in Visma.

    Both systems are read fresh; nothing is written to either. Differences are named one by one, then
    what is held or waiting and what else to know, then the totals of both sides. Fails while anything
    differs.

    \b
    Example:
      connector close acme-se --period 2026-10 --html acme-2026-10.html
    """
    month = Month.parse(period)
    with session.database() as conn:
        report = _make_report(session, conn, tenant, month)
    _write_files(report, html_file, csv_file)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    count = len(report.proof.differences)
    if count:
        them = "1 difference" if count == 1 else f"{count} differences"
        raise ConnectorError(f"{tenant} {month.name}: BILL and Visma do not agree, {them}")


def _make_report(session: Session, conn: Conn, tenant: str, month: Month) -> Report:
    config = get_tenant(conn, tenant).config
    with session.context() as context, working(f"{tenant}: reading both systems") as show:
        at = context.clock()
        gathering = Gathering(
            config, month, conn, context.bill(config), context.visma(config), context.clock, show
        )
        proof = compare_month(gathering.gather())
    proof.notices += _seal(session, conn, tenant)
    head = find_head(conn, tenant)
    versions = {"connector": _version(), "python": platform.python_version()}
    sealed_at = head.sealed_at if head else None
    return Report.make(proof, Stamp(at, versions, str(head) if head else None, sealed_at))


def _seal(session: Session, conn: Conn, tenant: str) -> list[Notice]:
    """Seal what is fresh, so that the head covers all that happened until now; and what stands in the way."""
    try:
        while seal_history(conn, session.vault, tenant) == ROWS_AT_ONCE:
            continue
    except (AuditBroken, SealBroken, UnknownKeyId) as error:
        return [Notice("audit", str(error))]
    return []


def _version() -> str:
    try:
        return metadata.version("bill-visma-connector")
    except metadata.PackageNotFoundError:
        return "not installed"


def _write_files(report: Report, html_file: Path | None, csv_file: Path | None) -> None:
    """Each file whole or not at all: half a page must not be filed."""
    if html_file is not None:
        from workers.close.page import write_page  # only here: its libraries are slow to load

        _write_file(html_file, write_page(report))
    if csv_file is not None:
        _write_file(csv_file, write_sheet(report.proof))


def _write_file(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _print(report: Report) -> None:
    proof = report.proof
    rows = [
        (one.reference, one.bill_id, one.visma_number, one.what, one.bill, one.visma)
        for one in proof.differences
    ]
    print_heading("Differences")
    columns = ("reference", "BILL id", "Visma", "what", "in BILL", "in Visma")
    print_table(columns, rows, empty="none: every approved bill stands in Visma once, and is equal")
    _print_notices(proof.notices)
    print_heading("Totals by currency")
    print_table(_TOTALS, map(_total_row, proof.by_currency), empty="no bills")
    print_heading("Totals by supplier")
    by_supplier = ((one.supplier_number, one.supplier, *_total_row(one)) for one in proof.by_supplier)
    print_table(("supplier", "name", *_TOTALS), by_supplier, empty="no bills")
    _print_stamp(report)


_TOTALS: Final = ("currency", "BILL", "Visma", "difference", "bills", "documents")


def _total_row(total: Total) -> tuple[str | int, ...]:
    sums = (exact(total.bill), exact(total.visma), exact(total.difference))
    return (total.currency, *sums, total.bills, total.documents)


def _print_notices(notices: Sequence[Notice]) -> None:
    """Grouped by kind; of many of a kind the first few, since the files have them all."""
    print_heading("To know")
    rows = []
    for _, group in groupby(sorted(notices, key=lambda one: one.kind), key=lambda one: one.kind):
        found = list(group)
        rows += [(one.reference, one.bill_id, one.visma_number, one.what) for one in found[:_SHOWN]]
        if len(found) > _SHOWN:
            rows.append((None, None, None, f"and {len(found) - _SHOWN} more like it"))
    print_table(("reference", "BILL id", "Visma", "what"), rows, empty="nothing")


def _print_stamp(report: Report) -> None:
    proof, stamp = report.proof, report.stamp
    print_heading(f"{proof.tenant.name} ({proof.tenant.id}), {proof.month.name}")
    print_facts(
        [
            ("read", stamp.at),
            ("versions", ", ".join(f"{name} {version}" for name, version in stamp.versions.items())),
            ("SHA-256 of the data", report.digest),
            ("audit head", stamp.audit_head or "nothing is sealed yet"),
            ("sealed", stamp.audit_sealed_at),
        ]
    )
    equal = "1 bill is equal" if proof.matches == 1 else f"{proof.matches} bills are equal"
    say(f"{equal}, {len(proof.differences)} differences")
