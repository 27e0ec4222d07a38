from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from deploy.demo.home import HomeTaken, choose_home, demo_environ, fresh_home, ignored_servers
from deploy.procfile import PROJECT

pytestmark = pytest.mark.unit


def test_nothing_of_a_real_installation_reaches_the_demo() -> None:
    real = {
        "DATABASE_URL": "postgresql://db/books",
        "REDIS_URL_FILE": "/run/secrets/redis",
        "CONNECTOR_MASTER_KEYS": "k:x",
        "SENTRY_DSN": "https://k@s.invalid/1",
        "CONNECTOR_HOME": "/srv/connector",
        "DYNO": "web.1",
    }
    found = demo_environ(real | {"LOG_LEVEL": "DEBUG", "PATH": "/bin", "LANG": "C.UTF-8"})
    assert not real.keys() & found.keys()
    assert (found["LOG_LEVEL"], found["PATH"], found["LANG"]) == ("DEBUG", "/bin", "C.UTF-8")
    assert ignored_servers(real) == ["DATABASE_URL", "REDIS_URL"]
    assert ignored_servers({"DATABASE_URL": ""}) == []


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({}, PROJECT / "var" / "demo"),
        ({"CONNECTOR_HOME": "/srv/connector"}, Path("/srv/connector/demo")),
        ({"CONNECTOR_HOME": "other"}, PROJECT / "other" / "demo"),
    ],
)
def test_the_demo_has_a_folder_of_its_own_beside_the_real_one(environ: dict[str, str], home: Path) -> None:
    assert choose_home(environ) == home


def test_a_folder_that_the_demo_did_not_make_is_never_wiped(tmp_path: Path) -> None:
    kept = tmp_path / "demo" / "books.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(HomeTaken, match="was not made by the demo"), fresh_home(kept.parent):
        pytest.fail("taken")
    assert kept.read_text() == "mine"


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (tmp_path / ".demo.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(HomeTaken, match="already runs"), fresh_home(tmp_path / "demo"):
            pytest.fail("taken")
