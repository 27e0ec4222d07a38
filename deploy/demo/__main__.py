"""``python -m deploy.demo [--keep]``: exits 0 only if every check of the story held."""

from __future__ import annotations

import argparse
import os
import sys

from rich.console import Console

from deploy.demo.home import choose_home, fresh_home
from deploy.demo.play import play_demo
from deploy.supervisor import NotReady
from shared.errors import ConnectorError

_PIPE_WIDTH = 160  # a pipe has no width of its own, and the table has twelve columns
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Parse the arguments, play the day, and give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.demo",
        description="Plays a working day of an accounting firm against simulated systems.",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    options = parser.parse_args(argv)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    try:
        with fresh_home(choose_home(os.environ)) as home:
            return play_demo(home, console, keep=options.keep)
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return INTERRUPTED
    except (ConnectorError, NotReady) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
