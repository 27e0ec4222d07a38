"""How four processes share a run: two take all that use the fleet, each with one of its own, the others the
rest, file by file.

What uses a fleet begins at once, and so do the longest of the rest; who is done first helps the others. Tests
with a fleet mostly wait for it: four processes keep two processors busy, two would not.
"""

from __future__ import annotations

from xdist.scheduler.loadscope import LoadScopeScheduling

FLEETS = {
    "fleet of the ledger": ("tests/acceptance/test_finding_", "tests/acceptance/test_ledger_"),
    "fleet": ("tests/acceptance/", "tests/browser/"),
}
"""By name what runs together on one fleet, so that it is started but once."""

_HAVE_THEIR_OWN = (
    "tests/acceptance/chaos/",
    "tests/acceptance/test_demo.py",
    "tests/acceptance/test_servers.py",
)
_LONGEST = (*_HAVE_THEIR_OWN, "tests/integration/crash/", "tests/integration/test_bench.py")


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """pytest-xdist's scheduler with our units of work."""

    def _split_scope(self, nodeid: str) -> str:
        return find_share(nodeid)


def find_share(nodeid: str) -> str:
    """What a test runs together with."""
    if not nodeid.startswith(_HAVE_THEIR_OWN):
        for fleet, modules in FLEETS.items():
            if nodeid.startswith(modules):
                return fleet
    return nodeid.partition("::")[0]


def find_turn(nodeid: str) -> int:
    """Whether a test belongs to what begins first: 0 for the fleets', 1 for the longest, 2 for the others."""
    if find_share(nodeid) in FLEETS:
        return 0
    return 1 if nodeid.startswith(_LONGEST) else 2
