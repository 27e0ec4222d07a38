"""Every crash point of every upsert, crossed with every answer to every write: all of them end right."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.integration.crash.conftest import OpenWorkshop
from tests.integration.crash.injector import FAULTS, arrives
from tests.integration.crash.scenes import SCENES
from tests.integration.crash.workshop import Change, Workshop

pytestmark = [pytest.mark.integration, pytest.mark.crash]

ARRIVES = "arrives"
ANSWERS = {ARRIVES: arrives, **FAULTS}


def is_write(request: requests.Request) -> bool:
    """Whether the request is to change something in Visma."""
    return request.method != "GET" and "/visma/v1/" in str(request.url)


def play(shop: Workshop, change: Change, kill_at: int | None, answer: str, fault_at: int) -> None:
    """One combination; a failure tells which one, and the steps that led to it."""
    try:
        shop.play(change, kill_at=kill_at, fault=ANSWERS[answer], fault_at=fault_at)
    except BaseException as error:
        injector = shop.injector
        error.add_note(f"killed before step {kill_at}, call {fault_at}: {answer}, faulted {injector.faulted}")
        error.add_note("\n".join(f"{place:3} {step}" for place, step in enumerate(injector.told, 1)))
        error.add_note(" ".join(shop.history(change.kind, change.bill_id)))
        raise


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Combinations played, by scene; told at the end."""
    counted: Counter[str] = Counter()
    yield counted
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        each = ", ".join(f"{scene} {count}" for scene, count in counted.items())
        print(f"\n{counted.total()} combinations of a worker's end and an answer: {each}")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("scene", SCENES)
def test_every_crash_point_with_every_answer_ends_right(
    open_workshop: OpenWorkshop, tally: Counter[str], scene: str, answer: str
) -> None:
    with open_workshop(release_invoices=scene == "release") as shop:
        shop.injector.is_meant = is_write
        next_change = SCENES[scene](shop)
        played = sum(play_all(shop, next_change, answer))
        shop.judge_books()
    tally[scene] += played
    assert played > 10


def play_all(shop: Workshop, next_change: Callable[[], Change], answer: str) -> Iterator[int]:
    """Every write with this answer, crossed with a worker's end before every step; how many each time."""
    for fault_at in itertools.count(1):
        play(shop, next_change(), None, answer, fault_at)
        if not shop.injector.faulted:
            return
        yield sum(1 for _ in play_ends(shop, next_change, answer, fault_at))
        if answer == ARRIVES:
            return


def play_ends(
    shop: Workshop, next_change: Callable[[], Change], answer: str, fault_at: int
) -> Iterator[None]:
    """A worker's end before every step in turn, until there are no more steps."""
    for kill_at in itertools.count(1):
        play(shop, next_change(), kill_at, answer, fault_at)
        yield
        if not shop.injector.killed:
            return
