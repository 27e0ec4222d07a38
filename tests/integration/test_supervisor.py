from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.child import ProcessSpec
from deploy.embedded.servers import wait_until
from deploy.guard import watch
from deploy.supervisor import NotReady, Supervisor

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
ENV = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
LONG = "sleep 600"


def spec(name: str, script: str, **more: object) -> ProcessSpec:
    return ProcessSpec(name, ("/bin/sh", "-c", script), ENV, **more)  # type: ignore[arg-type]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def read_pids(folder: Path, count: int) -> list[int]:
    """Ids that processes of a test wrote into files named after them."""
    assert wait_until(lambda: len(list(folder.glob("pid.*"))) == count, 10)
    return [int(path.suffix[1:]) for path in folder.glob("pid.*")]


def test_lines_come_with_the_name_in_front() -> None:
    out = io.StringIO()
    specs = [spec("one", "echo héllo; exec sleep 600"), spec("longer", "echo to stderr >&2; exec sleep 600")]
    with Supervisor(specs, out=out):
        assert wait_until(lambda: out.getvalue().count("\n") == 2, 10)
    assert sorted(out.getvalue().splitlines()) == ["longer | to stderr", "one    | héllo"]


def test_a_log_folder_takes_all_that_is_written(tmp_path: Path) -> None:
    with Supervisor([spec("one", "echo said; exec sleep 600")], tmp_path / "logs"):
        log = tmp_path / "logs" / "one.log"
        assert wait_until(lambda: log.exists() and "said" in log.read_text(), 10)


def test_stopping_ends_exactly_its_own_and_with_their_grace(tmp_path: Path) -> None:
    orderly = "trap 'touch orderly; exit 0' TERM; touch ready; while :; do sleep 0.05; done"
    stubborn = "trap '' TERM; touch pid.$$; sleep 600 & touch pid.$!; wait; wait"
    specs = [
        spec("orderly", orderly, cwd=tmp_path),
        spec("stubborn", stubborn, cwd=tmp_path, stop_grace_s=0.3),
    ]
    bystander = subprocess.Popen(["/bin/sleep", "600"])
    out = io.StringIO()
    supervisor = Supervisor(specs, out=out)
    supervisor.start()
    pids = read_pids(tmp_path, 2)
    assert wait_until((tmp_path / "ready").exists, 10)
    supervisor.stop()
    assert (tmp_path / "orderly").exists()
    assert "stubborn | does not stop within 0.3 s: killed" in out.getvalue()
    assert all(wait_until(lambda pid=pid: is_gone(pid), 5) for pid in pids)  # type: ignore[misc]
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    supervisor.stop()


def test_a_crashed_process_comes_back_without_its_orphans(tmp_path: Path) -> None:
    out = io.StringIO()
    script = "sleep 600 & touch pid.$!; wait"
    with Supervisor([spec("one", script, cwd=tmp_path)], out=out) as supervisor:
        first, (orphan,) = supervisor.pid("one"), read_pids(tmp_path, 1)
        os.kill(first or 0, signal.SIGKILL)
        read_pids(tmp_path, 2)
        assert supervisor.pid("one") != first
        assert wait_until(lambda: is_gone(orphan), 5)
    assert "one | ended with -9, starts again in 0.5 s" in out.getvalue()


def test_restart_and_kill9(tmp_path: Path) -> None:
    specs = [
        spec("one", "trap 'touch orderly; exit 0' TERM; touch up; while :; do sleep 0.05; done", cwd=tmp_path)
    ]
    with Supervisor(specs, out=io.StringIO()) as supervisor:
        assert wait_until((tmp_path / "up").exists, 10)
        first = supervisor.pid("one")
        supervisor.restart("one")
        second = supervisor.pid("one")
        assert (tmp_path / "orderly").exists()
        assert second not in {first, None}
        supervisor.kill9("one")
        assert wait_until(lambda: supervisor.pid("one") not in {second, None}, 5)


def test_the_end_of_a_process_that_is_not_restarted_ends_the_wait() -> None:
    with Supervisor(
        [spec("one", LONG), spec("two", "exit 7", restart=False)], out=io.StringIO()
    ) as supervisor:
        assert supervisor.wait() == 7


def test_a_signal_ends_the_wait() -> None:
    supervisor = Supervisor([spec("one", f"kill -TERM {os.getpid()}; exec {LONG}")], out=io.StringIO())
    with supervisor.until_signal(), supervisor:
        pid = supervisor.pid("one") or 0
        assert supervisor.wait() == 0
    assert is_gone(pid)


def test_ready_is_waited_for(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    with Supervisor([spec("one", "touch sign; sleep 600", cwd=tmp_path, ready=sign.exists)]) as supervisor:
        supervisor.wait_ready(10)
        assert sign.exists()


@pytest.mark.parametrize(
    ("script", "restart", "logged", "wanted"),
    [
        ("echo no such setting; exit 1", False, False, "one ended: no such setting"),
        ("echo no such setting; exit 1", True, True, "one ended: no such setting"),
        ("exec sleep 600", True, False, "one does not answer: it said nothing"),
    ],
)
def test_a_process_that_never_serves_is_one_line(
    script: str, restart: bool, logged: bool, wanted: str, tmp_path: Path
) -> None:
    specs = [spec("one", script, restart=restart, ready=lambda: False)]
    supervisor = Supervisor(specs, tmp_path if logged else None, out=io.StringIO())
    supervisor.start()
    with pytest.raises(NotReady, match=f"^{wanted}$"):
        supervisor.wait_ready(5 if "exit" in script else 0.2)
    assert supervisor.pid("one") is None


KILLED = """
import sys
from pathlib import Path
from deploy.child import ProcessSpec
from deploy.supervisor import Supervisor
script = "touch pid.$$; sleep 600 & touch pid.$!; wait"
Supervisor([ProcessSpec(n, ("/bin/sh", "-c", script), {}, cwd=Path(sys.argv[1])) for n in "ab"]).start()
print("up", flush=True)
sys.stdin.read()
"""


def test_a_killed_supervisor_takes_its_children_and_theirs_along(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as supervisor:
        pids = read_pids(tmp_path, 4)
        supervisor.kill()
    assert wait_until(lambda: all(is_gone(pid) for pid in pids), 5)


def test_the_guard_forgets_groups_that_ended() -> None:
    assert watch(["11\n", "12\n", "-11\n", "13\n", "-13\n", "11\n"]) == {11, 12}
