"""The keeper of a home: waits until the last user of the servers is gone, then stops them.

Users may be killed at any moment, so none of them can be the one who stops the servers. The keeper
waits for the exclusive lock on ``users``: the kernel grants it when the last lease has ended.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from deploy.embedded.home import EmbeddedError, Home
from deploy.embedded.postgres_server import stop_postgres
from deploy.embedded.redis_server import stop_redis

_PROJECT = Path(__file__).resolve().parents[2]


def ensure_keeper(home: Home) -> None:
    """Start a keeper unless one runs. Call with a lease, under the ``start`` lock."""
    if home.is_locked("keeper"):
        return
    command = [sys.executable, "-m", "deploy.embedded.keeper", str(home.root)]
    done = subprocess.run(
        command, cwd=_PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EmbeddedError(f"cannot watch over the embedded servers: {done.stderr.strip()[-200:]}")


def main(root: str) -> None:
    """Become a daemon; the command that was started returns once there is a keeper."""
    home = Home(Path(root))
    try:
        keeper = home.lock("keeper", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    log = os.open(home.run / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    _keep(home, keeper)


def _keep(home: Home, keeper: int) -> None:
    users = home.lock("users", fcntl.LOCK_EX)
    try:
        stop_redis(home)
        stop_postgres(home)
    finally:
        # In this order: who comes next sees no keeper and starts a new one.
        os.close(keeper)
        os.close(users)


if __name__ == "__main__":
    main(sys.argv[1])
