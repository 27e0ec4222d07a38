"""How two processes share a run: one takes all that use the fleet, the other the rest, file by file.

The one with the fleet begins at once, and so do the longest of the rest; who is done first helps the other.
"""

from __future__ import annotations

from xdist.scheduler.loadscope import LoadScopeScheduling

FLEET = "fleet"
_SHARE_IT = ("tests/acceptance/", "tests/browser/")
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
    shares = nodeid.startswith(_SHARE_IT) and not nodeid.startswith(_HAVE_THEIR_OWN)
    return FLEET if shares else nodeid.partition("::")[0]


def find_turn(nodeid: str) -> int:
    """Whether a test belongs to what begins first: 0 for the fleet's, 1 for the longest, 2 for the others."""
    if find_share(nodeid) == FLEET:
        return 0
    return 1 if nodeid.startswith(_LONGEST) else 2
