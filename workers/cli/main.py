"""The command ``connector``: what it offers, and the one place where its errors become a line and a code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module, metadata
from typing import Any, Final, NoReturn

import click

from shared.settings import Settings
from workers.cli.output import note
from workers.cli.session import Session

_COMMANDS: Final = (
    "migrate",
    "up",
    "tenant",
    "credentials",
    "ping",
    "webhook",
    "plan",
    "sync",
    "status",
    "records",
    "link",
    "mapping",
    "dead-letters",
    "keys",
    "purge",
    "close",
    "audit",
)
"""In the order of the help. Each is an object of its name in a module of its name, with _ for -."""

_EPILOG = """\b
First steps:
  connector migrate
  connector tenant apply acme-se.toml
  connector credentials set acme-se bill
  connector credentials set acme-se visma
  connector ping acme-se
  connector plan acme-se
  connector webhook subscribe acme-se
  connector up

Exit codes: 0 done, 1 failed with one line on stderr, 2 wrong usage.

\b
Shell completion:
  bash:  eval "$(_CONNECTOR_COMPLETE=bash_source connector)"
  zsh:   eval "$(_CONNECTOR_COMPLETE=zsh_source connector)"
  fish:  _CONNECTOR_COMPLETE=fish_source connector | source
"""


class _Connector(click.Group):
    """A group that loads only the command it runs, and ends its errors with one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"workers.cli.{name}"), name)
        return command

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        session = extra.setdefault("obj", Session(os.environ))
        extra["standalone_mode"] = False
        extra["prog_name"] = "connector"
        try:
            code = super().main(args, **extra)
        except Exception as error:
            sys.exit(_end(error, session))
        sys.exit(code if isinstance(code, int) else 0)


def _end(error: Exception, session: Session) -> int:
    """Say what went wrong; the exit code."""
    # Only here: knowing every error costs more imports than most commands.
    from workers.cli.errors import FAILED, INTERRUPTED, Interrupted, explain

    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, Interrupted | click.Abort):
        note(str(error) or "interrupted: nothing is left half done, run the command again")
        return INTERRUPTED
    if session.is_verbose:
        traceback.print_exception(error)
    note(f"connector: {explain(error, session.known_settings)}")
    return FAILED


def _version() -> str:
    try:
        return metadata.version("bill-visma-connector")
    except metadata.PackageNotFoundError:
        return "of a checkout that is not installed"


@click.group(
    cls=_Connector,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(_version(), prog_name="connector")
def connector() -> None:
    """Carry vendors and approved bills from BILL into Visma.net ERP.

    Settings come from the environment. Where DATABASE_URL or REDIS_URL is not set, embedded servers
    under CONNECTOR_HOME (default ./var) take their place.
    """


def main() -> NoReturn:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        # A name in letters the terminal lacks must not stop a report.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    connector.main(obj=Session(os.environ, _configure_logging))


def _configure_logging(settings: Settings) -> None:
    """A command says itself what went wrong; logs beside it are for who looks for a mistake of ours."""
    from shared.logs import configure_logging

    level = settings.log_level if settings.log_level == "DEBUG" else "CRITICAL"
    configure_logging(replace(settings, log_level=level))


if __name__ == "__main__":
    main()
