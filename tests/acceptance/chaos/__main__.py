"""``python -m tests.acceptance.chaos``: as many seeds as one likes, or one of them again.

SEEDS=n plays the seeds from 1 on, SEED=k that one; BILLS=m makes it larger or smaller.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.acceptance.chaos.plan import Size, make_plan
from tests.acceptance.chaos.run import run_plan


def main() -> int:
    """Play the seeds; 1 as soon as one of them fails."""
    wanted = os.environ.get("SEED")
    seeds = [int(wanted)] if wanted else range(1, int(os.environ.get("SEEDS") or "3") + 1)
    size = Size()
    size = replace(size, bills=int(os.environ.get("BILLS") or size.bills))
    for seed in seeds:
        log_dir = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
        report = run_plan(make_plan(seed, size), os.environ, log_dir)
        if report.faults:
            print(report.tell(), f"logs: {log_dir}", sep="\n", file=sys.stderr)
            return 1
        print(f"seed {seed}: {report.figures}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
