"""The chaos of a seed, in CI; ``make chaos`` plays it at full size and with as many seeds as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.chaos.plan import Size, make_plan
from tests.acceptance.chaos.run import run_plan
from tests.conftest import ENVIRON

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

SIZE = Size(storm_s=20.0, blows=14)


@pytest.mark.parametrize("seed", [20261126])
def test_whatever_dies_and_whatever_is_answered_every_bill_ends_up_right_and_once(
    seed: int, tmp_path: Path
) -> None:
    report = run_plan(make_plan(seed, SIZE), ENVIRON, tmp_path)
    assert report.faults == [], report.tell()
    print(report.figures)  # shown by -rP
