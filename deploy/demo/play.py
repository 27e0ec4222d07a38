"""Plays the day on a stage, and says how it went."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from deploy.demo.checks import Result
from deploy.demo.day import Day, DayError
from deploy.demo.evening import check_day, close_books
from deploy.demo.home import demo_environ, ignored_servers
from deploy.demo.narrator import Narrator
from deploy.demo.plot import CHAPTERS
from deploy.demo.sides import Pair
from deploy.demo.table import compare_table, count_fields
from deploy.sandbox.control import ControlError
from deploy.stage import CommandFailed, Stage

_STUMBLES = (ControlError, CommandFailed, DayError)


def play_demo(home: Path, console: Console, *, keep: bool) -> int:
    """The whole demo in an empty ``home``; its exit code."""
    narrator = Narrator(console)
    for name in ignored_servers(os.environ):
        narrator.say(
            f"{name} is set and not used: the demo has servers of its own, so that it touches no data."
        )
    narrator.tell("Starting PostgreSQL, Redis, the connector, and the simulated BILL and Visma.net ...")
    stage = Stage(home, home / "log", environ=demo_environ(os.environ))
    with stage, stage.control as control:
        narrator.tell("Everything runs.")
        day = Day(stage, control, narrator)
        results, pairs = _play(day, console)
        code = _judge(narrator, results, pairs)
        if code:
            narrator.say(f"What each process said is in {home / 'log'}.")
        if keep:
            _keep_open(narrator, stage)
        else:
            narrator.say("`make demo KEEP=1` leaves everything running, to look around.")
    return code


def _play(day: Day, console: Console) -> tuple[list[Result], list[Pair]]:
    """All chapters, then the table and the checks; a chapter that fails ends the day early."""
    stumbled = []
    for chapter in CHAPTERS:
        day.narrator.chapter(chapter.title)
        try:
            chapter.play(day)
        except _STUMBLES as error:
            day.narrator.tell(f"This did not go as it should: {error}", style="bold red")
            stumbled.append(Result(f"the chapter “{chapter.title}”", (str(error),)))
            break
    day.narrator.say()
    day.tell("The day is over. Both systems are read and laid side by side.")
    try:
        books, pairs = close_books(day, wait=not stumbled)
        console.print()
        console.print(compare_table(books, pairs, console.width))
        return [*stumbled, *check_day(day, books, pairs)], pairs
    except _STUMBLES as error:
        return [*stumbled, Result("the end of the day", (str(error),))], []


def _judge(narrator: Narrator, results: Sequence[Result], pairs: Sequence[Pair]) -> int:
    narrator.say()
    for result in results:
        narrator.say(
            f"{'failed' if result.problems else 'ok':8}{result.text}", style="red" if result.problems else ""
        )
        for problem in result.problems:
            narrator.say(f"{'':8}- {problem}", style="red")
    failed = sum(1 for result in results if result.problems)
    narrator.say()
    if failed:
        narrator.say(f"FAILED: {failed} of {len(results)} checks did not hold.", style="bold red")
        return 1
    equal = [pair for pair in pairs if pair.found is not None]
    values = sum(count_fields(pair.wanted) for pair in equal)
    narrator.say(
        f"All {len(results)} checks held: {len(equal)} bills stand in Visma, equal in all {values} values "
        f"compared; {len(pairs) - len(equal)} rightly do not.",
        style="bold green",
    )
    return 0


def _keep_open(narrator: Narrator, stage: Stage) -> None:
    """Say where everything is, and wait for Ctrl-C."""
    home, at = stage.home, stage.addresses
    narrator.say()
    for name, place in (
        ("Flower", at.flower_url),
        ("  dead letters", f"{at.flower_url}/dead-letters"),
        ("  what is held", f"{at.flower_url}/held"),
        ("  tenants", f"{at.flower_url}/tenants"),
        ("  its sign-in", str(home / "flower-basic-auth")),
        ("ingress", f"{at.web_url}/readyz and /metrics"),
        ("simulated BILL", f"{at.bill_url}/v3/..."),
        ("simulated Visma.net", f"{at.visma_url}/v1/..."),
        ("their control interface", at.control_url),
        ("logs", str(home / "log")),
        ("commands", f"CONNECTOR_HOME='{home}' .venv/bin/connector status"),
    ):
        narrator.say(f"{name:25}{place}")
    narrator.say("Everything keeps running until Ctrl-C.", style="bold")
    with stage.fleet.until_signal():
        stage.fleet.wait()
    narrator.say("Stopping.")
