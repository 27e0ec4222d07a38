"""Every crash point of every upsert, crossed with every answer to every write: all of them end right."""

from __future__ import annotations

import itertools
import time

import pytest
import requests

from tests.integration.crash.conftest import OpenWorkshop
from tests.integration.crash.injector import FAULTS, Fault, arrives
from tests.integration.crash.scenes import SCENES
from tests.integration.crash.workshop import Change, Workshop

pytestmark = pytest.mark.integration


def is_write(request: requests.Request) -> bool:
    """Whether the request is to change something in Visma."""
    return request.method != "GET" and "/visma/v1/" in str(request.url)


def play(shop: Workshop, change: Change, kill_at: int | None, name: str, fault: Fault, fault_at: int) -> None:
    """One combination; a failure tells which one, and the steps that led to it."""
    try:
        shop.play(change, kill_at=kill_at, fault=fault, fault_at=fault_at)
    except BaseException as error:
        injector = shop.injector
        error.add_note(f"killed before step {kill_at}, call {fault_at}: {name}, faulted {injector.faulted}")
        error.add_note("\n".join(f"{place:3} {step}" for place, step in enumerate(injector.told, 1)))
        error.add_note(" ".join(shop.history(change.kind, change.bill_id)))
        raise


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scene", SCENES)
def test_every_crash_point_with_every_answer_ends_right(
    open_workshop: OpenWorkshop, capsys: pytest.CaptureFixture[str], scene: str
) -> None:
    began, combinations, calls = time.monotonic(), 0, 0
    for name, fault in {"arrives": arrives, **FAULTS}.items():
        with open_workshop(release_invoices=scene == "release") as shop:
            shop.injector.is_meant = is_write
            next_change = SCENES[scene](shop)
            for fault_at in itertools.count(1):
                play(shop, next_change(), None, name, fault, fault_at)
                if not shop.injector.faulted:
                    break
                calls = max(calls, fault_at)
                for kill_at in itertools.count(1):
                    play(shop, next_change(), kill_at, name, fault, fault_at)
                    combinations += 1
                    if not shop.injector.killed:
                        break
                if fault is arrives:
                    break
            shop.judge_books()
    with capsys.disabled():
        seconds = time.monotonic() - began
        print(f"\n{scene}: {combinations} combinations, {calls} writes, {seconds:.1f} s")
    assert combinations > 100
