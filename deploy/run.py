"""``python -m deploy.run PROGRAM ARGUMENT...``: become PROGRAM, with settings checked and servers running.

What the Procfile's processes have in common before they are what they are: a wrong setting ends them
with one line, and where a URL is not set the embedded servers run as long as they do. ``{worker_name}``
in an argument becomes the worker's name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.embedded.resolve import compose
from deploy.slots import claim_slot
from shared.errors import UsageError
from shared.settings import Settings, read_environ

FLOWER_PORT = 5555


def prepare(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment to become ``argv`` with; leases are handed down to it.

    Raises :class:`~shared.errors.UsageError`.
    """
    is_worker = "worker" in argv
    named = "WORKER_NAME" in read_environ(environ)
    composition = compose(environ, slot=claim_slot() if is_worker and not named else 0)
    settings, full = composition.settings, dict(composition.environ)
    if composition.lease is not None:
        composition.lease.hand_down()
    full["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    if is_worker:
        _put(full, "WORKER_NAME", settings.worker_name)
        # SIGTERM lets tasks end, and ``workers.shutdown`` sees to it that this does not take for ever.
        full.pop("REMAP_SIGTERM", None)
    if "gunicorn" in argv:
        _put(full, "WEB_CONCURRENCY", str(settings.web_concurrency))
    if "workers.flower" in argv:
        full = _for_flower(full, settings)
    return [word.replace("{worker_name}", settings.worker_name) for word in argv], full


def _put(environ: dict[str, str], name: str, text: str) -> None:
    environ[name] = text
    environ.pop(f"{name}_FILE", None)


def _for_flower(environ: dict[str, str], settings: Settings) -> dict[str, str]:
    """Flower takes every FLOWER_ variable for an option of its own and stops at one it does not know."""
    _put(environ, "FLOWER_BASIC_AUTH", ",".join(settings.get_flower_basic_auth()))
    _put(environ, "FLOWER_READ_ONLY", str(settings.flower_read_only))
    environ["FLOWER_PORT"] = str(settings.port or FLOWER_PORT)
    # As gunicorn does: open to others only where someone chose the port.
    environ["FLOWER_ADDRESS"] = "0.0.0.0" if settings.port else "127.0.0.1"  # noqa: S104
    return environ


def main(argv: Sequence[str]) -> None:
    """Become ``argv``, or end with one line."""
    try:
        words, environ = prepare(argv, os.environ)
    except UsageError as error:
        sys.exit(f"connector: {error}")
    try:
        os.execvpe(words[0], words, environ)  # noqa: S606
    except OSError as error:
        sys.exit(f"connector: cannot start {words[0]}: {error.strerror}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m deploy.run PROGRAM ARGUMENT...")
    main(sys.argv[1:])
