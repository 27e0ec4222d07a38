"""Tenants on the stage: made all at once before the first is needed, one or two for each test.

The ingress keeps webhook keys in memory for seconds; tenants made before anybody knocks cost no wait.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from deploy.sandbox.control import SandboxControl
from deploy.stage import Stage
from shared.store import progress
from shared.store.pool import Conn, connect
from tests.acceptance.firm import Firm

FIXTURES = ("firm", "other_firm")


@pytest.fixture(scope="session")
def conn(stage: Stage) -> Iterator[Conn]:
    """A connection that hears whenever a record is settled."""
    with connect(stage.composition.settings.database_url, name="test") as found:
        progress.listen(found)
        yield found


@pytest.fixture(scope="session")
def firms(
    request: pytest.FixtureRequest, stage: Stage, conn: Conn, tmp_path_factory: pytest.TempPathFactory
) -> list[Firm]:
    """As many tenants as the tests of this run need; each is taken once."""
    folder = tmp_path_factory.mktemp("tenants")
    needed = sum(name in FIXTURES for item in request.session.items for name in _fixtures(item))
    made = [Firm(stage, conn, number, folder) for number in range(1, needed + 1)]
    for each in made:
        each.enroll()
        each.subscribe()
    if made:
        made[0].until(lambda: _polled(conn), "the first polls")
    return made


@pytest.fixture
def firm(firms: list[Firm]) -> Iterator[Firm]:
    """A tenant that no other test has: empty, subscribed and polled once."""
    found = firms.pop()
    yield found
    found.pause()
    found.control.clear_faults()


other_firm = firm
"""Another one."""


@pytest.fixture(autouse=True)
def within_limits(request: pytest.FixtureRequest) -> Iterator[None]:
    """No call of the fleet exceeds a limit of BILL or Visma in any test; throttling that a fault rule feigns
    is none of the fleet's."""
    if "stage" not in request.fixturenames:
        yield
        return
    control: SandboxControl = request.getfixturevalue("stage").control
    before = len(control.calls()["violations"])
    yield
    assert control.calls()["violations"][before:] == [], "the fleet went over a limit"


def _fixtures(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", ()))


def _polled(conn: Conn) -> bool:
    """Whether every poll ran and none is due."""
    query = "SELECT bool_and(next_poll_at > now() AND claim_token IS NULL) AS polled FROM watermarks"
    row = conn.execute(query).fetchone()
    return bool(row and row["polled"])


@pytest.fixture
def control(stage: Stage) -> SandboxControl:
    """The hands of the people who use BILL and Visma."""
    return stage.control


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the workers said last beside a test that failed."""
    report = yield
    stage: Stage | None = getattr(item, "funcargs", {}).get("stage")
    found: Firm | None = getattr(item, "funcargs", {}).get("firm")
    stage = stage or (found.stage if found else None)
    if report.failed and stage is not None:
        for name in ("web", "worker"):
            report.sections.append((f"{name}.log", _tail(stage.log_dir / f"{name}.log")))
    return report


def _tail(path: Path, count: int = 25) -> str:
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    return "\n".join(lines[-count:])
