"""A lease on the servers of a home: while one is held anywhere, the servers run."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from types import TracebackType

from deploy.embedded.home import Home
from deploy.embedded.keeper import ensure_keeper
from deploy.embedded.postgres_server import ensure_postgres
from deploy.embedded.redis_server import ensure_redis


@dataclass
class Lease:
    """Running servers and the right to use them; ends with the process, or by :meth:`release`."""

    descriptor: int
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)

    def release(self) -> None:
        """End the lease; the servers stop soon after the last one."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def hand_down(self) -> None:
        """Let programs that replace this process, or are started by it, hold the lease too."""
        os.set_inheritable(self.descriptor, True)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def wait_stopped(home: Home) -> None:
    """Wait until the keeper has stopped the servers of ``home``: until every lease has ended."""
    os.close(home.lock("keeper", fcntl.LOCK_SH))


def ensure_servers(home: Home, *, database: bool = True, redis: bool = True) -> Lease:
    """Join or start the wanted servers of ``home``.

    Raises :class:`~deploy.embedded.home.EmbeddedError` with one line when they cannot be had.
    """
    home.ensure()
    with home.locked("start"):
        # Waits while a keeper stops the servers of former users.
        lease = Lease(home.lock("users", fcntl.LOCK_SH))
        try:
            ensure_keeper(home)
            lease.redis_url = ensure_redis(home) if redis else None
            lease.database_url = ensure_postgres(home) if database else None
        except BaseException:
            lease.release()
            raise
    return lease
