"""A fleet on servers of its own, which a test may kill: PostgreSQL, Redis and everything that uses them."""

from __future__ import annotations

import base64
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.home import Home
from deploy.embedded.lease import ensure_servers, wait_stopped
from deploy.stage import Stage
from shared.settings import NAMES
from tests.conftest import forgo_fsync


@contextmanager
def own_home() -> Iterator[Home]:
    """A home whose servers are gone afterwards; one that PostgreSQL's own user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="connector-chaos-"))
    folder.chmod(0o755)
    home = Home(folder)
    try:
        with ensure_servers(home) as lease:
            forgo_fsync(lease.database_url or "")
            yield home
    finally:
        wait_stopped(home)
        shutil.rmtree(folder)


@contextmanager
def own_stage(
    home: Home, environ: Mapping[str, str], log_dir: Path, *, workers: int, slots: int
) -> Iterator[Stage]:
    """The fleet without Flower, with several workers of a few pool slots each."""
    settings = {
        "CONNECTOR_MASTER_KEYS": f"chaos:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "LOG_FORMAT": "json",
        "WORKER_CONCURRENCY": str(slots),
        "WEB_CONCURRENCY": "1",
    }
    ours = {*NAMES, *(f"{each}_FILE" for each in NAMES), "DYNO"}
    foreign = {key: value for key, value in environ.items() if key not in ours}
    counts = {"worker": workers, "flower": 0}
    with Stage(home.root, log_dir, {**foreign, **settings}, counts) as stage:
        yield stage
        for name in worker_names(workers):
            stage.fleet.kill9(name)  # a farewell would take as long as what runs


def worker_names(count: int) -> list[str]:
    """The workers as the supervisor calls them."""
    return [f"worker.{number}" for number in range(1, count + 1)]
