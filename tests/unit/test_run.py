from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import slots
from deploy.run import prepare
from deploy.slots import claim_slot
from shared.errors import SettingsError, UsageError
from shared.settings import load_settings

pytestmark = pytest.mark.unit

ENVIRON = {
    "PATH": "/bin",
    "DATABASE_URL": "postgresql://db/connector",
    "REDIS_URL": "redis://cache",
    "CONNECTOR_MASTER_KEYS": "k:" + "A" * 43 + "=",
    "WORKER_NAME": "w7",
}


def test_a_worker_has_its_name_and_celerys_own_sigterm(tmp_path: Path) -> None:
    path = tmp_path / "name"
    path.write_text("w8\n")
    environ = {key: text for key, text in ENVIRON.items() if key != "WORKER_NAME"}
    environ |= {"WORKER_NAME_FILE": str(path), "REMAP_SIGTERM": "SIGQUIT"}
    words, full = prepare(["celery", "worker", "--hostname={worker_name}"], environ)
    assert words == ["celery", "worker", "--hostname=w8"]
    assert "REMAP_SIGTERM" not in full
    assert load_settings(full).worker_name == "w8"


def test_an_unnamed_worker_takes_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.run.claim_slot", lambda: 3)
    environ = {key: text for key, text in ENVIRON.items() if key != "WORKER_NAME"}
    assert prepare(["celery", "worker"], environ)[1]["WORKER_NAME"].endswith("-3")
    assert "WORKER_NAME" not in prepare(["celery", "beat"], environ)[1]
    assert prepare(["celery", "worker"], environ | {"DYNO": "worker.2"})[1]["WORKER_NAME"] == "worker.2"


def test_a_web_process_has_its_own_python_first_and_its_number_of_processes() -> None:
    words, full = prepare(["gunicorn", "x:y"], ENVIRON | {"WEB_CONCURRENCY": "5"})
    assert words == ["gunicorn", "x:y"]
    assert full["PATH"] == f"{Path(sys.executable).parent}:/bin"
    assert full["WEB_CONCURRENCY"] == "5"
    assert "REMAP_SIGTERM" not in full


@pytest.mark.parametrize(
    ("port", "wanted"),
    [(None, ("5555", "127.0.0.1")), ("6000", ("6000", "0.0.0.0"))],  # noqa: S104
)
def test_flower_finds_only_options_it_knows(
    port: str | None, wanted: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "auth"
    path.write_text("ann:secret\n")
    environ = ENVIRON | {"FLOWER_BASIC_AUTH_FILE": str(path), "FLOWER_READ_ONLY": "on"}
    _, full = prepare(["python", "-m", "workers.flower"], environ | ({"PORT": port} if port else {}))
    flower = {name: text for name, text in full.items() if name.startswith("FLOWER_")}
    assert (flower.pop("FLOWER_PORT"), flower.pop("FLOWER_ADDRESS")) == wanted
    assert flower == {"FLOWER_BASIC_AUTH": "ann:secret", "FLOWER_READ_ONLY": "True"}
    assert load_settings(full).flower_read_only is True


def test_flower_never_runs_open() -> None:
    with pytest.raises(UsageError, match="FLOWER_BASIC_AUTH is not set"):
        prepare(["python", "-m", "workers.flower"], ENVIRON)


@pytest.mark.parametrize(
    ("environ", "argv", "line"),
    [
        ({"LOG_LEVEL": "loud"}, ["true"], "connector: LOG_LEVEL must be one of"),
        ({}, ["no-such-program"], "connector: cannot start no-such-program: No such file"),
        ({}, [], "usage: python -m deploy.run"),
    ],
)
def test_what_is_wrong_is_one_line(environ: dict[str, str], argv: list[str], line: str) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "deploy.run", *argv]
    done = subprocess.run(
        command, cwd=root, env=ENVIRON | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_slots_are_given_once_at_a_time(tmp_path: Path) -> None:
    assert [claim_slot(tmp_path), claim_slot(tmp_path)] == [0, 1]
    for _ in range(2):  # the slot of a process that ended is free again
        assert claim_elsewhere(tmp_path, "pass") == 2


def test_a_slot_is_kept_by_the_program_that_the_claimer_becomes(tmp_path: Path) -> None:
    again = f"os.execv({sys.executable!r}, ['python', '-c', {CLAIM!r}, sys.argv[1]])"
    assert claim_elsewhere(tmp_path, again) == 1


CLAIM = (
    "import os, sys; from pathlib import Path; from deploy.slots import claim_slot;"
    "print(claim_slot(Path(sys.argv[1])), flush=True)"
)


def claim_elsewhere(folder: Path, then: str) -> int:
    """Claim in another process, which goes on with ``then``; the last slot it had."""
    command = [sys.executable, "-c", f"{CLAIM}; {then}", str(folder)]
    root = Path(slots.__file__).resolve().parents[1]
    return int(subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.split()[-1])


def test_a_folder_that_cannot_hold_slots_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="WORKER_NAME is not set"):
        claim_slot(tmp_path / "absent" / "folder")
