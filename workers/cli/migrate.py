"""``connector migrate``."""

from __future__ import annotations

import click

from shared.store import migrate as migrations
from workers.cli.output import say, working
from workers.cli.session import Session, pass_session


@click.command(short_help="Bring the database up to date.")
@pass_session
def migrate(session: Session) -> None:
    """Bring the database up to date.

    Applies what this release adds to the tables. Safe to run twice, and from several machines at the
    same time: one works, the others wait.

    \b
    Example:
      connector migrate
    """
    with working("migrating"):
        applied = migrations.migrate(session.settings.database_url)
    for name in applied:
        say(f"applied {name}")
    if not applied:
        say("the database is up to date")
