"""The end of the day: both systems are read, laid side by side and checked."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from deploy.demo.books import Books, read_books
from deploy.demo.checks import Result, check_all
from deploy.demo.clients import CLIENTS
from deploy.demo.day import Day
from deploy.demo.sides import Pair, pair_up
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage

_TRIES = 5
_TIMEOUT_S = 10.0


def close_books(day: Day, *, wait: bool) -> tuple[list[Books], list[Pair]]:
    """Read both systems of every client, where ``wait`` says so only when nothing is left to do."""
    if wait:
        day.wait_until_quiet(CLIENTS)
    records = _read_records(day, _TRIES if wait else 1)
    books = [read_books(day.control, client, listed) for client, listed in zip(CLIENTS, records, strict=True)]
    partners = day.story.partners
    return books, [pair for one in books for pair in pair_up(one, partners[one.client.id])]


def check_day(day: Day, books: Sequence[Books], pairs: Sequence[Pair]) -> list[Result]:
    """The story's checks, and those of the fleet itself."""
    return [
        *check_all(books, pairs, day.story),
        Result("BILL and Visma saw no limit overrun", tuple(map(str, day.control.calls()["violations"]))),
        Result("no dead letters, no client suspended", tuple(_troubled(day.stage.ask("status")))),
        Result("Flower answers, and only with its sign-in", tuple(_flower_problems(day.stage))),
    ]


def _read_records(day: Day, tries: int) -> list[list[Json]]:
    """Held records are judged anew every poll, and are pending meanwhile: ask again, a few times."""
    listed: list[list[Json]] = []
    for left in reversed(range(tries)):
        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            listed = list(pool.map(day.list_records, CLIENTS))
        if not left or not any(record["state"] == "pending" for records in listed for record in records):
            break
        day.wait_until_quiet(CLIENTS)
    return listed


def _troubled(status: list[Json]) -> list[str]:
    return [
        f"{one['tenant']}: {one['state']}, {one['dead_letters']} dead letters"
        for one in status
        if one["state"] != "active" or one["dead_letters"]
    ]


def _flower_problems(stage: Stage) -> list[str]:
    sign_in = stage.composition.settings.get_flower_basic_auth()[0]
    header = {"Authorization": "Basic " + base64.b64encode(sign_in.encode()).decode()}
    closed, opened = _ask_flower(stage, {}), _ask_flower(stage, header)
    problems = [] if closed == 401 else [f"without a sign-in it answers {closed}"]
    return problems if opened == 200 else [*problems, f"with its sign-in it answers {opened}"]


def _ask_flower(stage: Stage, headers: dict[str, str]) -> int | str:
    parts = urlsplit(stage.addresses.flower_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/workers", headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"nothing ({type(error).__name__})"
    finally:
        connection.close()
