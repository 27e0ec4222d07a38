"""Every crash point of every upsert, crossed with every answer to every write: all of them end right.

A worker's ends that leave the same behind (see ``injector``) are played once; combinations and plays are
counted, and told at the end of the run. The central scenes belong to every run of the tests, the others to
``make crash``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.integration.crash.conftest import OpenWorkshop
from tests.integration.crash.injector import FAULTS, Step, arrives, is_write
from tests.integration.crash.scenes import SCENES, SETTINGS
from tests.integration.crash.workshop import Change, Workshop
from tests.support.tally import COMBINATIONS, PLAYS

pytestmark = pytest.mark.integration

CENTRAL = ("create supplier", "create invoice", "change bill")
ARRIVES = "arrives"
ANSWERS = {ARRIVES: arrives, **FAULTS}
MOST_TOLD = 5
MOST_TRIES = 4


class Crossing:
    """One scene with every end and every answer."""

    def __init__(self, shop: Workshop, change: Change) -> None:
        self.shop, self.change = shop, change
        self.combinations = self.plays = 0
        self.failures: list[BaseException] = []

    def play_all(self) -> None:
        """Every write with every answer, crossed with a worker's end at every step."""
        for answer in ANSWERS:
            for fault_at in itertools.count(1):
                if not self.play_ends(answer, fault_at) or answer == ARRIVES:
                    break

    def play_ends(self, answer: str, fault_at: int) -> bool:
        """A worker's end before the last step of every moment; False where there is no such write.

        Where the machine is slow, a play may take other steps: then it is played again, and where that does
        not help, all of them, since it was the whole one. What each play ends in is judged in any case.
        """
        for _ in range(MOST_TRIES):
            steps = self.play_whole(answer, fault_at)
            if not self.shop.injector.faulted and answer != ARRIVES:
                return False
            if all(self.play_end(steps, kill_at, answer, fault_at) for kill_at in last_of_moments(steps)):
                self.combinations += len(steps) + 1
                return True
        raise AssertionError(f"every play takes other steps: {fault_at}, {answer}")

    def play_whole(self, answer: str, fault_at: int) -> tuple[Step, ...]:
        """The steps without a worker's end."""
        self.play(None, answer, fault_at)
        return tuple(self.shop.injector.steps)

    def play_end(self, steps: tuple[Step, ...], kill_at: int, answer: str, fault_at: int) -> bool:
        """One end; whether it took the same steps as the whole play, after a few tries at most."""
        for _ in range(MOST_TRIES):
            self.play(kill_at, answer, fault_at)
            taken = tuple(self.shop.injector.steps[:kill_at])
            if self.shop.injector.killed and taken == steps[:kill_at]:
                return True
        return False

    def play(self, kill_at: int | None, answer: str, fault_at: int) -> None:
        """One combination; a failure tells which one, and the steps that led to it."""
        self.plays += 1
        try:
            self.shop.play(self.change, kill_at=kill_at, fault=ANSWERS[answer], fault_at=fault_at)
        except BaseException as error:
            injector = self.shop.injector
            error.add_note(f"killed before step {kill_at}, write {fault_at}: {answer}")
            error.add_note("\n".join(f"{at:3} {step.what}" for at, step in enumerate(injector.steps, 1)))
            error.add_note(" ".join(self.shop.history(self.change.kind, self.change.bill_id)))
            self.failures.append(error)


def last_of_moments(steps: Sequence[Step]) -> Iterator[int]:
    """The places, from 1 on, of the steps that the next one's end does not stand for."""
    for place, (step, following) in enumerate(itertools.pairwise((*steps, Step("the end", -1))), 1):
        if step.moment != following.moment:
            yield place


def marked(scene: str) -> Any:
    """The scene as a parameter; ``crash`` keeps it out of an ordinary run."""
    return scene if scene in CENTRAL else pytest.param(scene, marks=pytest.mark.crash)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scene", [marked(scene) for scene in SCENES])
def test_every_crash_point_with_every_answer_ends_right(
    open_workshop: OpenWorkshop, record_property: Callable[[str, object], None], scene: str
) -> None:
    with open_workshop(**SETTINGS.get(scene, {})) as shop:
        shop.injector.is_meant = is_write
        change = SCENES[scene](shop)
        shop.keep()
        crossing = Crossing(shop, change)
        crossing.play_all()
        shop.judge_limits()
    record_property(COMBINATIONS, crossing.combinations)
    record_property(PLAYS, crossing.plays)
    if crossing.failures:
        told = f"{len(crossing.failures)} of {crossing.plays} plays end wrong"
        raise BaseExceptionGroup(told, crossing.failures[:MOST_TOLD])
