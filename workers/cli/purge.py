"""``connector purge``: what nobody asks for any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import click

from shared.clock import utc_now
from shared.store import events
from workers.cli.errors import Interrupted
from workers.cli.output import json_option, print_json, say, working
from workers.cli.session import Session, pass_session

_AT_ONCE: Final = 5_000
"""Rows a statement: small enough that nothing waits for its locks."""

_MOST_DAYS: Final = 36_500

Delete = Callable[[], int]
"""Deletes a batch; how many rows there were."""


@click.command(short_help="Delete old raw events.")
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
    """Delete raw events older than so many days.

    Safe to repeat and to interrupt; works in small batches beside everything else.

    \b
    Example:
      connector purge --older-than 90
    """
    before = utc_now() - timedelta(days=days)
    deleted = {"events": 0}
    with session.database() as conn, working("deleting") as show:
        batches: dict[str, Delete] = {"events": lambda: events.delete_older(conn, before, most=_AT_ONCE)}
        try:
            for what, delete in batches.items():
                while gone := delete():
                    deleted[what] += gone
                    show(f"{deleted[what]} {what} deleted")
        except KeyboardInterrupt:
            raise Interrupted(f"stopped: {_told(deleted, before)}; run it again to go on") from None
    if as_json:
        print_json({"before": before, **deleted})
    else:
        say(_told(deleted, before))


def _told(deleted: dict[str, int], before: datetime) -> str:
    counts = " and ".join(f"{count} {what}" for what, count in deleted.items())
    return f"deleted {counts} from before {before:%Y-%m-%d %H:%M}Z"
