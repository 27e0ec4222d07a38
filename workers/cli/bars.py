"""Progress of what can be counted: a bar with rate and remaining time, on stderr where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from workers.cli.output import clean


class Show(Protocol):
    """Told how much is done, of how much (None: not known), and what is being done where that changes."""

    def __call__(self, done: int, total: int | None = None, text: str | None = None) -> None:
        """Show it."""
        ...


class _Rate(ProgressColumn):
    """How many a second, once that is known."""

    def render(self, task: Task) -> Text:
        """The rate as text."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")


@contextmanager
def counting(text: str) -> Iterator[Show]:
    """Show a bar while something that can be counted goes on; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(clean(text), total=None)

        def show(done: int, total: int | None = None, text: str | None = None) -> None:
            description = None if text is None else clean(text)
            progress.update(task, completed=done, total=total, description=description)

        yield show


def _ignore(done: int, total: int | None = None, text: str | None = None) -> None:
    """Progress where nobody watches."""
