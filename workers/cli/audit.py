"""``connector audit``: whether the history is as it was written."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from shared.errors import ConnectorError, UsageError
from shared.store.audit_chain import Head
from shared.store.audit_verify import Problem, Report, verify_history
from shared.store.tenants import get_tenant
from workers.cli.output import json_option, print_facts, print_json, print_table, say, working
from workers.cli.session import Session, pass_session

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_SHOWN: Final = 50
_KNOWN: Final = {None: None, True: "is in the chain", False: "is not there"}


@click.group(short_help="Prove that no history was edited or removed.")
def audit() -> None:
    """The audit trail: every history row is sealed into a chain of its tenant soon after it was written."""


@audit.command("verify", short_help="Prove that no history row was edited or removed.")
@click.argument("tenant")
@click.option(
    "--head", "filed", metavar="N:HEX", help="A head filed earlier, as `connector close` prints it."
)
@json_option
@pass_session
def verify(session: Session, tenant: str, filed: str | None, as_json: bool) -> None:
    """Prove that no history row of a tenant was edited or removed, or say which.

    Rows are sealed within about a minute; fresher ones are counted and prove nothing yet. The database
    alone cannot tell that all of it was put back to an older copy: name a head that was filed elsewhere,
    on a month-end page say, with --head.

    \b
    Example:
      connector audit verify acme-se
    """
    known = _parse_head(filed) if filed is not None else None
    with session.database() as conn:
        get_tenant(conn, tenant)
        with working(f"{tenant}: verifying the audit trail"):
            report = verify_history(conn, session.vault, tenant, known=known)
    if as_json:
        print_json(report_to_json(report))
    else:
        _print(report)
    if not report.holds:
        count = len(report.problems) + report.more
        found = "1 entry is" if count == 1 else f"{count} entries are"
        raise ConnectorError(f"the history of {tenant} does not hold: {found} not as sealed")


def report_to_json(report: Report) -> dict[str, Any]:
    """A report under the keys that scripts hold on to."""
    return {
        "tenant": report.tenant,
        "holds": report.holds,
        "sealed": report.sealed,
        "purged": report.purged,
        "unsealed": report.unsealed,
        "oldest_unsealed_at": report.oldest_unsealed_at,
        "head": str(report.head) if report.head else None,
        "sealed_at": report.head.sealed_at if report.head else None,
        "known_head": report.known_head,
        "problems": [_problem_to_json(problem) for problem in report.problems],
        "more_problems": report.more,
    }


def _problem_to_json(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in Problem.__slots__}


def _print(report: Report) -> None:
    if report.problems:
        columns = ("entry", "history id", "record", "written", "what")
        print_table(columns, map(_row, report.problems[:_SHOWN]), empty="")
        left = len(report.problems) + report.more - _SHOWN
        if left > 0:
            say(f"and {left} more; --json lists up to {len(report.problems)}")
    print_facts(
        [
            ("sealed", report.sealed),
            ("purged", report.purged or None),
            ("not sealed yet", report.unsealed or None),
            ("the oldest of these", report.oldest_unsealed_at),
            ("head", str(report.head) if report.head else None),
            ("sealed last", report.head.sealed_at if report.head else None),
            ("the filed head", _KNOWN[report.known_head]),
        ]
    )
    if report.holds:
        say(f"{report.tenant}: nothing was edited or removed since it was sealed")


def _row(problem: Problem) -> tuple[Any, ...]:
    record = " ".join(filter(None, (problem.kind, problem.bill_id)))
    return (problem.seq, problem.history_id, record, problem.at, problem.what)


def _parse_head(text: str) -> Head:
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(
            "--head takes a number, a colon and 64 hexadecimal digits, as `connector close` prints it"
        )
    return Head(int(found[1]), bytes.fromhex(found[2]))
