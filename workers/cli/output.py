"""What commands print: tables for people, one JSON document for machines, progress on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared import jsontext

F = TypeVar("F", bound=Callable[..., Any])

_PIPE_WIDTH = 1000  # a pipe has no width of its own; nothing may be cut for it
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "\ufffd")

Cell = str | int | datetime | None


def json_option(command: F) -> F:
    """The flag ``--json`` as the parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def clean(text: str) -> str:
    """One line of ``text`` without what could steer a terminal: names come from outside."""
    return " ".join(text.split()).translate(_CONTROLS)


def say(text: str) -> None:
    """One plain line on stdout."""
    click.echo(clean(text))


def say_lines(text: str) -> None:
    """A text of several lines on stdout, as it is but for control characters."""
    for line in text.splitlines():
        click.echo(line.replace("\t", "    ").translate(_CONTROLS))


def note(text: str) -> None:
    """One plain line on stderr: advice, never a result."""
    click.echo(clean(text), err=True)


def print_json(document: Any) -> None:
    """``document`` as JSON in UTF-8 whatever the locale; times may be datetimes."""
    click.echo(jsontext.dumps(to_plain(document)).encode())


def print_json_array(items: Iterable[Any]) -> None:
    """As :func:`print_json` prints a list, one item at a time: it may be longer than memory holds."""
    start = "["
    for item in items:
        click.echo((start + jsontext.dumps(to_plain(item))).encode(), nl=False)
        start = ",\n"
    click.echo("[]" if start == "[" else "]")


def to_plain(value: Any) -> Any:
    """A value as JSON can hold it: datetimes as ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, empty: str) -> None:
    """``rows`` under ``columns``; the line ``empty`` where there is none."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    if not table.row_count:
        say(empty)
        return
    _print(table)


def print_facts(facts: Iterable[tuple[str, Cell]]) -> None:
    """Names with their values, one a line; what has no value is left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value is not None and value != "":
            table.add_row(Text(name), Text(_shown(value)))
    _print(table)


def print_heading(text: str) -> None:
    """A line above a part of the output."""
    _print(Text(f"\n{clean(text)}", style="bold"))


def shown_time(moment: datetime) -> str:
    """A time for people, in UTC and to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@contextmanager
def working(text: str) -> Iterator[Callable[[str], None]]:
    """Show ``text`` on stderr while something slow runs, where that is a terminal.

    What it gives changes the text when called.
    """
    if not sys.stderr.isatty():
        yield _ignore
        return
    with Console(stderr=True).status(Text(clean(text))) as status:
        yield lambda changed: status.update(Text(clean(changed)))


def _ignore(text: str) -> None:
    """Progress where nobody watches."""


def _shown(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return shown_time(cell)
    return "" if cell is None else clean(str(cell))


def _print(what: Table | Text) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
