"""``connector dead-letters``: what a repeat could not heal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from psycopg.rows import DictRow

from shared.errors import ConnectorError, Retryable, UsageError
from shared.store.dead_letters import find_letter, list_letters
from shared.store.pool import Conn
from shared.store.records import Due
from shared.store.tenants import get_tenant
from workers.cli.bars import counting
from workers.cli.errors import Interrupted
from workers.cli.output import (
    json_option,
    note,
    print_facts,
    print_heading,
    print_json,
    print_table,
    say,
    say_lines,
)
from workers.cli.session import Session, pass_session

if TYPE_CHECKING:
    from workers.sync.replay import Replayed

LETTER_ID = click.IntRange(min=1, max=2**63 - 1)
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
@click.argument("letter_id", metavar="ID", type=LETTER_ID)
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


@dead_letters.command("replay", short_help="Try the work of dead letters again.")
@click.argument("letter_ids", metavar="[ID]...", type=LETTER_ID, nargs=-1)
@click.option("--all", "all_open", is_flag=True, help="Every open one, of all tenants.")
@pass_session
def replay(session: Session, letter_ids: tuple[int, ...], all_open: bool) -> None:
    """Try the work of dead letters again, with what BILL has now.

    A letter is replayed once, however many try at the same time. What fails again leaves a new letter.

    \b
    Examples:
      connector dead-letters replay 17 18
      connector dead-letters replay --all
    """
    if bool(letter_ids) == all_open:
        raise click.UsageError("give the ids of dead letters, or --all")
    with session.database() as conn:
        chosen = (
            [int(row["id"]) for row in list_letters(conn)] if all_open else list(dict.fromkeys(letter_ids))
        )
        replayed, refused, stopped = _replay(conn, chosen)
        _send(session, [due for one in replayed for due in one.due])
    for one in replayed:
        say(_describe(one))
    if all_open and not chosen:
        say("no dead letter is open")
    if stopped:
        raise Interrupted(
            f"stopped after {len(replayed)} of {len(chosen)} dead letters: those go on, the rest is still "
            "open; run it again to replay them"
        )
    if refused:
        raise ConnectorError("; ".join(refused))


def _replay(conn: Conn, letter_ids: Sequence[int]) -> tuple[list[Replayed], list[str], bool]:
    """What was replayed, why others were not, and whether a person stopped it between two of them."""
    from workers.cli.link import find_operator
    from workers.sync.replay import replay_letter

    replayed, refused, stopped = [], [], False
    try:
        with counting("replaying dead letters") as show:
            for count, letter_id in enumerate(letter_ids):
                show(count, len(letter_ids))
                try:
                    replayed.append(replay_letter(conn, letter_id, by=find_operator()))
                except UsageError as error:
                    refused.append(str(error))
    except KeyboardInterrupt:
        stopped = True
    refused += [
        f"dead letter {one.letter_id}: its webhook still cannot be read, see dead letter {one.new_letter}"
        for one in replayed
        if one.new_letter is not None
    ]
    return replayed, refused, stopped


def _describe(replayed: Replayed) -> str:
    if replayed.kind is None:
        return f"dead letter {replayed.letter_id}: its webhook was read again"
    where = f"{replayed.tenant} {replayed.kind} {replayed.bill_id}"
    return (
        f"dead letter {replayed.letter_id}: {where} goes on; follow it with `connector records show {where}`"
    )


def _send(session: Session, due: list[Due]) -> None:
    """Send what is due at once; without Redis a tick sends it later."""
    from kombu.exceptions import OperationalError

    try:
        with session.context() as context:
            context.dispatcher.dispatch(due)
    except (Retryable, OperationalError):
        note("Redis does not answer: the work goes on by itself once it does")


@dead_letters.command("discard", short_help="Give a dead letter up.")
@click.argument("letter_id", metavar="ID", type=LETTER_ID)
@click.option("--why", required=True, help="The reason, for whoever reads the history.")
@pass_session
def discard(session: Session, letter_id: int, why: str) -> None:
    """Give a dead letter up: its record stays dead until BILL changes it.

    What BILL changed since the record died goes on at once.

    \b
    Example:
      connector dead-letters discard 17 --why "entered in Visma by hand"
    """
    from workers.cli.link import find_operator
    from workers.sync.replay import discard_letter

    with session.database() as conn:
        due = discard_letter(conn, letter_id, by=find_operator(), why=why)
        _send(session, due)
    say(f"dead letter {letter_id} is discarded" + ("; a newer version goes on" if due else ""))
