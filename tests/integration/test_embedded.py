from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest
import redis

from deploy.embedded import account
from deploy.embedded.home import EmbeddedError, Home
from deploy.embedded.lease import Lease, ensure_servers, wait_stopped
from deploy.embedded.postgres_server import find_programs
from deploy.embedded.resolve import Composition, compose
from shared.errors import SettingsError
from shared.settings import load_settings
from tests.conftest import ENVIRON

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as someone else")

AS_NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
HOLDER = """
import sys
from deploy.embedded.postgres_server import find_programs
from deploy.embedded.resolve import compose
held = compose({"CONNECTOR_HOME": sys.argv[1]})
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(open_folder: Path) -> Iterator[Home]:
    """A home with a space, letters of a language and more bytes in its path than a socket may have."""
    home = Home(open_folder / ("a långt name " * 8) / "var")
    yield home
    if home.run.exists():
        wait_stopped(home)


def put(lease: Lease, word: str) -> None:
    with psycopg.connect(lease.database_url or "") as connection:
        connection.execute("CREATE TABLE kept AS SELECT %s::text AS word", (word,))
    with redis.Redis.from_url(lease.redis_url or "") as client:
        client.set("kept", word)


def get(lease: Lease) -> tuple[str, str]:
    with psycopg.connect(lease.database_url or "") as connection:
        row = connection.execute("SELECT word FROM kept").fetchone()
    with redis.Redis.from_url(lease.redis_url or "", decode_responses=True) as client:
        return (row[0] if row else "", str(client.get("kept")))


def server_processes(home: Home) -> list[psutil.Process]:
    folders = {str(home.redis_data.resolve()), str(home.postgres_data.resolve())}
    found = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] in folders]
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=0.5)  # returns early unless nothing reaps orphans here


def start_holder(home: Home) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(home.root)]
    pipe = subprocess.PIPE
    holder = subprocess.Popen(command, cwd=ROOT, env=ENVIRON, stdin=pipe, stdout=pipe, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    return holder


def end_holder(holder: subprocess.Popen[str], number: signal.Signals) -> None:
    with holder:
        holder.send_signal(number)


def composed(home: Home, **environ: str) -> Composition:
    return compose({"CONNECTOR_HOME": str(home.root), **environ})


def test_a_bare_environment_gives_servers_and_settings(home: Home) -> None:
    composition = composed(home, DATABASE_URL="", PGPORT="1", LANG="xx_YY")
    assert composition.lease is not None
    settings = composition.settings
    with composition.lease, psycopg.connect(settings.database_url) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("fsync", "listen_addresses", "timezone")
        ]
        assert shown == [("on",), ("",), ("UTC",)]
        with redis.Redis.from_url(settings.redis_url, decode_responses=True) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("append*")["appendonly"] == "yes"
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=client.connection_pool.connection_kwargs["port"]).ping()
    private = [home.root / name for name in ("master-keys", "flower-basic-auth", "redis-password")]
    private += [home.run / "redis.conf", home.run / "redis-url"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600] * 5
    assert load_settings(composition.environ) == settings
    secrets = [home.root.joinpath("redis-password").read_text().strip(), settings.flower_basic_auth[0]]
    assert not [text for text in composition.environ.values() if any(secret in text for secret in secrets)]


def test_the_last_lease_stops_the_servers_and_what_they_hold_stays(home: Home) -> None:
    first, second = ensure_servers(home), ensure_servers(home)
    assert (first.database_url, first.redis_url) == (second.database_url, second.redis_url)
    put(first, "1")
    first.release()
    assert get(second) == ("1", "1")
    before = second.redis_url
    sockets = Path(parse_qs(urlsplit(second.database_url or "").query)["host"][0])
    assert sockets.is_dir()
    second.release()
    wait_stopped(home)
    assert server_processes(home) == []
    assert not sockets.exists()
    with ensure_servers(home) as third:
        assert get(third) == ("1", "1")
        assert third.redis_url == before


def test_a_killed_user_leaves_nothing_behind(home: Home) -> None:
    holder = start_holder(home)
    with ensure_servers(home) as lease:
        put(lease, "2")
        end_holder(holder, signal.SIGKILL)
        assert get(lease) == ("2", "2")
    wait_stopped(home)
    assert server_processes(home) == []
    end_holder(start_holder(home), signal.SIGKILL)
    with ensure_servers(home) as lease:  # at once, while the servers of the killed one are being stopped
        assert get(lease) == ("2", "2")


def test_killed_servers_are_started_again_over_stale_files(home: Home) -> None:
    with ensure_servers(home) as lease:
        put(lease, "3")
        with redis.Redis.from_url(lease.redis_url or "") as client:
            client.execute_command("WAITAOF", 1, 0, 5000)
        kill(server_processes(home))
        (home.postgres_data / "postmaster.pid").write_text(f"{os.getpid()}\n{home.postgres_data}\n")
        (home.run / "redis.pid").write_text(f"{os.getpid()}\n")
        with ensure_servers(home) as again:
            assert get(again) == ("3", "3")


def test_a_server_whose_port_is_taken_moves(home: Home) -> None:
    with ensure_servers(home, database=False) as lease:
        port = int((lease.redis_url or "").rsplit(":", 1)[1].split("/")[0])
        kill(server_processes(home))
        with socket.create_server(("127.0.0.1", port)), ensure_servers(home, database=False) as again:
            assert again.redis_url != lease.redis_url
            assert again.database_url is None


def test_a_copied_checkout_has_servers_of_its_own(home: Home, open_folder: Path) -> None:
    other = Home(open_folder / "copy")
    with ensure_servers(home) as lease:
        put(lease, "4")
    wait_stopped(home)
    shutil.copytree(home.root, other.root)
    with ensure_servers(home) as lease:
        shutil.copytree(home.run, other.run, dirs_exist_ok=True)
        shutil.copy(home.postgres_data / "postmaster.pid", other.postgres_data)
        with ensure_servers(other) as copied:
            assert copied.database_url != lease.database_url
            assert copied.redis_url != lease.redis_url
            assert get(copied) == ("4", "4")
    wait_stopped(other)


@as_root
def test_data_that_the_servers_user_cannot_reach_goes_to_a_folder_of_its_own(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = open_folder / "state"
    monkeypatch.setattr(account, "STATE_FOLDER", state)
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    home = Home(closed / "var")
    with ensure_servers(home) as lease:
        put(lease, "5")
    wait_stopped(home)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not home.postgres_data.exists()
    with ensure_servers(home) as lease:
        assert get(lease) == ("5", "5")
    wait_stopped(home)
    before = list(state.glob("*/postgres"))
    shutil.rmtree(home.root)  # as a fresh clone in the same place: a new master key, so no old secrets
    with ensure_servers(home) as lease, psycopg.connect(lease.database_url or "") as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)
    wait_stopped(home)
    after = list(state.glob("*/postgres"))
    assert len(before) == len(after) == 1
    assert before != after


@as_root
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "STATE_FOLDER", open_folder / "state")
    closed = open_folder / "closed"
    programs = find_programs()
    for folder in (programs, *programs.parent.parent.glob(f"{programs.parent.name}.*libs")):
        shutil.copytree(folder, closed / folder.relative_to(programs.parent.parent), symlinks=True)
    closed.chmod(0o700)
    unreachable = closed / programs.parent.name / programs.name
    user = account.ensure_account()
    copy = account.ensure_reachable(unreachable, user)
    assert copy != unreachable
    assert all(user.can_run(copy / "bin" / name) for name in ("postgres", "initdb", "pg_ctl"))
    assert account.ensure_reachable(unreachable, user) == copy
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_an_ordinary_user_needs_nothing_else(open_folder: Path) -> None:
    python = _python_for_everyone()
    folder = open_folder / "user"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    command = [python, "-c", HOLDER, str(folder / "var")]
    environ = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        command, cwd="/", env=environ, input="", capture_output=True, text=True, **AS_NOBODY
    )
    assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
    wait_stopped(Home(folder / "var"))
    assert (folder / "var" / "postgres" / "PG_VERSION").stat().st_uid == 65534


def _python_for_everyone() -> str:
    """A Python of our version that a user other than root may start."""
    test = f"import sys; sys.exit(sys.version_info[:3] != {sys.version_info[:3]})"
    for python in (os.path.realpath(sys.executable), shutil.which("python3", path=os.defpath)):
        try:
            command = [python or "", "-c", test]
            if subprocess.run(command, check=False, **AS_NOBODY).returncode == 0:
                return python or ""
        except OSError:
            continue
    pytest.skip("no Python of this version that other users can start")


def test_a_database_elsewhere_never_gets_a_key_made_here(home: Home) -> None:
    with pytest.raises(SettingsError, match="CONNECTOR_MASTER_KEYS is not set"):
        composed(home, DATABASE_URL="postgresql://app@db.example/connector")
    assert not (home.root / "master-keys").exists()
    wait_stopped(home)
    assert server_processes(home) == []


def test_set_urls_leave_the_home_alone(home: Home) -> None:
    key = "k:" + "A" * 43 + "="
    environ = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://r", "CONNECTOR_MASTER_KEYS": key}
    composition = composed(home, **environ)
    assert composition.embedded is False
    assert not home.root.exists()


@pytest.mark.parametrize("missing", ["postgres", "redis"])
def test_a_missing_program_is_one_line(home: Home, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(EmbeddedError, match=r"^no .*pip install .* or set ") as caught:
        ensure_servers(home, database=missing == "postgres", redis=missing == "redis")
    assert "\n" not in str(caught.value)
    wait_stopped(home)


def test_a_home_that_cannot_be_made_is_one_line(open_folder: Path) -> None:
    (open_folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match="CONNECTOR_HOME: cannot make"):
        ensure_servers(Home(open_folder / "file" / "var"))
    with pytest.raises(EmbeddedError, match="CONNECTOR_HOME must not hold"):
        Home(open_folder / 'a"b')
