"""``connector dead-letters``: what a repeat could not heal."""

from __future__ import annotations

from typing import Any

import click
from psycopg.rows import DictRow

from shared.errors import UsageError
from shared.store.dead_letters import find_letter, list_letters
from shared.store.tenants import get_tenant
from workers.cli.output import json_option, print_facts, print_heading, print_json, print_table, say_lines
from workers.cli.session import Session, pass_session

STATES = ("open", "replayed", "discarded", "closed")
ALL = "all"


@click.group("dead-letters", short_help="What failed for good.")
def dead_letters() -> None:
    """What failed for good and waits for a person."""


@dead_letters.command("list", short_help="List dead letters, open ones first of all.")
@click.argument("tenant", required=False)
@click.option(
    "--state",
    type=click.Choice((*STATES, ALL)),
    default="open",
    show_default=True,
    help="Only letters in this state.",
)
@json_option
@pass_session
def list_(session: Session, tenant: str | None, state: str, as_json: bool) -> None:
    """List the dead letters of one tenant or of all, oldest first.

    \b
    Example:
      connector dead-letters list acme-se --state all
    """
    with session.database() as conn:
        if tenant is not None:
            get_tenant(conn, tenant)
        letters = list_letters(conn, tenant, state=None if state == ALL else state)
    if as_json:
        print_json(letters)
        return
    columns = ("id", "tenant", "kind", "BILL id", "task", "error", "state", "failed", "attempts")
    print_table(columns, (_row(letter) for letter in letters), empty="no dead letters")


def _row(letter: DictRow) -> tuple[Any, ...]:
    keys = ("id", "tenant", "kind", "bill_id", "task", "error", "state", "failed_at", "attempts")
    return tuple(letter[key] for key in keys)


@dead_letters.command("show", short_help="Show one dead letter with its traceback.")
@click.argument("letter_id", metavar="ID", type=click.IntRange(min=1, max=2**63 - 1))
@json_option
@pass_session
def show(session: Session, letter_id: int, as_json: bool) -> None:
    """Show one dead letter: what failed, with which arguments, and where.

    \b
    Example:
      connector dead-letters show 17
    """
    with session.database() as conn:
        letter = find_letter(conn, letter_id)
    if letter is None:
        raise UsageError(
            f"there is no dead letter {letter_id}: see `connector dead-letters list --state all`"
        )
    letter["raw"] = None if letter["raw"] is None else letter["raw"].decode("utf-8", "replace")
    if as_json:
        print_json(letter)
        return
    _print_letter(letter)


def _print_letter(letter: DictRow) -> None:
    print_facts(
        [
            ("dead letter", letter["id"]),
            ("state", letter["state"]),
            ("tenant", letter["tenant"]),
            (letter["kind"] or "record", letter["bill_id"]),
            ("task", letter["task"]),
            ("arguments", ", ".join(str(argument) for argument in letter["args"])),
            ("attempts", letter["attempts"]),
            ("failed", letter["failed_at"]),
            ("error", f"{letter['error_class']}: {letter['error']}"),
            ("settled", letter["settled_at"]),
            ("settled by", letter["settled_by"]),
            ("why", letter["why"]),
        ]
    )
    for title, text in (("Webhook as received", letter["raw"]), ("Traceback", letter["traceback"])):
        if text:
            print_heading(title)
            say_lines(text)
