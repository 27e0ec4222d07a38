"""Where the demo lives: a folder and servers of its own, as good as new at every start.

DATABASE_URL, REDIS_URL and every other setting of the environment are ignored but for two: CONNECTOR_HOME
(the demo lives in its folder ``demo``, else in ``var/demo``) and LOG_LEVEL. So a demo on a machine that
also runs the real connector never touches its data, its keys or its error reports.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.home import Home
from deploy.embedded.lease import ensure_servers, wait_stopped
from deploy.procfile import PROJECT
from shared.errors import UsageError
from shared.settings import DEFAULT_HOME, NAMES
from shared.store.pool import connect

_KEPT = frozenset({"LOG_LEVEL"})
_SERVERS = ("DATABASE_URL", "REDIS_URL")
_MARK = "made-by-the-demo"
_CLUSTER = frozenset({"postgres", "postgres-place", _MARK})
"""What the next run finds again: making PostgreSQL's data folder takes longer than all else at the start."""

_SMALL_FLEET = {"WORKER_CONCURRENCY": "4", "WEB_CONCURRENCY": "1"}


class HomeTaken(UsageError):
    """The demo cannot have its folder; one line that says why and what to do."""


def choose_home(environ: Mapping[str, str]) -> Path:
    """The demo's folder, absolute."""
    return (PROJECT / (environ.get("CONNECTOR_HOME") or DEFAULT_HOME) / "demo").resolve()


def demo_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the settings of a real connector; a proxy is never asked for loopback."""
    ours = {name for name in NAMES if name not in _KEPT}
    ours |= {f"{name}_FILE" for name in ours} | {"DYNO"}
    kept = {name: text for name, text in environ.items() if name not in ours}
    return kept | _SMALL_FLEET | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def ignored_servers(environ: Mapping[str, str]) -> list[str]:
    """The servers of the environment that the demo leaves alone, by setting."""
    return [name for name in _SERVERS if environ.get(name) or environ.get(f"{name}_FILE")]


@contextmanager
def fresh_home(root: Path) -> Iterator[Path]:
    """The folder, without what a last run left, and ours alone until the end of the block.

    Raises :class:`HomeTaken`, or :class:`~deploy.embedded.home.EmbeddedError` where no server can be had.
    """
    _refuse_others(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / _MARK).touch()
        descriptor = os.open(root.parent / f".{root.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise HomeTaken(f"cannot make {root}: {error.strerror}") from None
    try:
        _lock(descriptor, root)
        _empty(root)
        with ensure_servers(Home(root), redis=False) as lease:
            _forget(lease.database_url or "")
            yield root
    finally:
        os.close(descriptor)


def _refuse_others(root: Path) -> None:
    """What we did not make is never wiped."""
    if root.exists() and any(root.iterdir()) and not (root / _MARK).exists():
        raise HomeTaken(f"{root} was not made by the demo: move it away, or set CONNECTOR_HOME")


def _lock(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise HomeTaken(f"a demo already runs in {root}: stop it first, or set CONNECTOR_HOME") from None


def _forget(database_url: str) -> None:
    """Empty the database."""
    with connect(database_url, name="demo") as conn:
        conn.execute("DROP SCHEMA public CASCADE")
        conn.execute("CREATE SCHEMA public")


def _empty(root: Path) -> None:
    """Remove the files of the last run, whose servers their keeper stops, however it ended."""
    home = Home(root)
    home.ensure()
    wait_stopped(home)
    for path in root.iterdir():
        if path.name in _CLUSTER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
