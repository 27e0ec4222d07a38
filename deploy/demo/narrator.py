"""Tells the day as it happens: one or two plain sentences, each with the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_TIME_STYLE = "dim"


def local_time() -> datetime:
    """The wall clock of whoever watches."""
    return datetime.now().astimezone()


class Narrator:
    """Writes to ``console``; ``clock`` gives the time of day."""

    def __init__(self, console: Console, clock: Callable[[], datetime] = local_time) -> None:
        self._console, self._clock = console, clock
        self._chapters = 0

    def chapter(self, title: str) -> None:
        """A new chapter begins."""
        self._chapters += 1
        self._console.print()
        self._console.print(Text(f"{self._chapters}. {title}", style="bold"))

    def tell(self, text: str, *, style: str = "") -> None:
        """What just happened."""
        row = Table.grid(padding=(0, 2))
        row.add_column(style=_TIME_STYLE, no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(self._clock().strftime("%H:%M:%S"), Text(text, style=style))
        self._console.print(row)

    def show_commands(self, commands: Sequence[str]) -> None:
        """What an operator would type."""
        for command in commands:
            self._console.print(Padding(Text(f"$ {command}", style="cyan"), (0, 0, 0, 10)))

    def say(self, text: str = "", *, style: str = "") -> None:
        """A line without a time."""
        self._console.print(Text(text, style=style))
