"""``connector purge``: what nobody asks for any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import click

from shared.clock import utc_now
from shared.errors import ConnectorError
from shared.store import events
from shared.store.audit import purge_history
from shared.store.pool import Conn
from shared.store.tenants import list_tenants
from workers.cli.errors import Interrupted
from workers.cli.link import find_operator
from workers.cli.output import json_option, print_json, say, working
from workers.cli.session import Session, pass_session

_AT_ONCE: Final = 5_000
"""Rows a statement: small enough that nothing waits for its locks."""

_MOST_DAYS: Final = 36_500


@click.command(short_help="Delete old raw events and finished history.")
@click.option(
    "--older-than",
    "days",
    metavar="DAYS",
    type=click.IntRange(1, _MOST_DAYS),
    required=True,
    help="Keep what is younger than so many days.",
)
@json_option
@pass_session
def purge(session: Session, days: int, as_json: bool) -> None:
    """Delete raw events and finished history older than so many days.

    History of records with work left is kept, and so is that of every record that is or was in Visma,
    for CONNECTOR_RETENTION_YEARS. The audit trail notes each purge, so that it still verifies. Safe to
    repeat and to interrupt; works in small batches beside everything else.

    \b
    Example:
      connector purge --older-than 400
    """
    before = utc_now() - timedelta(days=days)
    deleted = {"events": 0, "history": 0}
    problems: list[str] = []
    with session.database() as conn, working("deleting") as show:
        try:
            for what, count in _delete(session, conn, before, problems):
                deleted[what] += count
                show(_told(deleted, before))
        except KeyboardInterrupt:
            raise Interrupted(f"stopped: {_told(deleted, before)}; run it again to go on") from None
    if as_json:
        print_json({"before": before, **deleted})
    else:
        say(_told(deleted, before))
    if problems:
        raise ConnectorError(f"history was kept: {'; '.join(problems)}")


def _delete(session: Session, conn: Conn, before: datetime, problems: list[str]) -> Iterator[tuple[str, int]]:
    """What was deleted and how many rows, batch by batch; ``problems`` says whose history could not be."""
    while gone := events.delete_older(conn, before, most=_AT_ONCE):
        yield "events", gone
    retention_years = session.settings.retention_years
    for row in list_tenants(conn):
        try:
            for gone in purge_history(
                conn,
                session.vault,
                row.config.id,
                older_than=before,
                retention_years=retention_years,
                actor=find_operator(),
            ):
                yield "history", gone
        except ConnectorError as error:  # the other tenants' history is not to wait for this one's
            problems.append(f"{row.config.id}: {error}")


def _told(deleted: dict[str, int], before: datetime) -> str:
    return (
        f"deleted {deleted['events']} events and {deleted['history']} history entries "
        f"from before {before:%Y-%m-%d %H:%M}Z"
    )
