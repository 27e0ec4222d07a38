"""How many combinations of crash points and answers a run crossed, told at its end."""

from __future__ import annotations

import pytest

COMBINATIONS, PLAYS = "combinations", "plays"


def tell(reporter: pytest.TerminalReporter) -> None:
    """One line a scene; tests note both numbers as properties, which processes pass on."""
    counted = {
        report.nodeid.partition("[")[2].rstrip("]"): dict(report.user_properties)
        for reports in reporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and COMBINATIONS in dict(report.user_properties)
    }
    if not counted:
        return
    reporter.section("a worker's ends crossed with answers")
    for scene, numbers in counted.items():
        reporter.line(f"{scene}: {numbers[COMBINATIONS]} combinations in {numbers[PLAYS]} plays")
    whole = [sum(int(numbers[name]) for numbers in counted.values()) for name in (COMBINATIONS, PLAYS)]
    reporter.line(f"{whole[0]} combinations in {whole[1]} plays: ends that leave the same behind are one")
