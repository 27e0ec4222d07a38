"""The Procfile as processes for the supervisor: the same commands that run in production."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.child import ProcessSpec

PROJECT = Path(__file__).resolve().parent.parent
PROCFILE = PROJECT / "Procfile"


def parse_procfile(path: Path = PROCFILE) -> dict[str, str]:
    """Commands by process name, in the order of the file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = [re.fullmatch(r"([A-Za-z0-9_-]+):\s*(\S.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match is not None}


def read_procfile(
    path: Path = PROCFILE,
    ports: Mapping[str, int] | None = None,
    *,
    environ: Mapping[str, str],
    counts: Mapping[str, int] | None = None,
) -> list[ProcessSpec]:
    """The long-running processes of a Procfile (all but ``release``) in the environment ``environ``.

    ``ports`` gives processes their $PORT by name. ``counts`` says how many of a name run (default 1, 0
    leaves it out); several are called ``worker.1``, ``worker.2``.
    """
    specs = []
    for name, command in parse_procfile(path).items():
        count = (counts or {}).get(name, 1)
        if name == "release":
            continue
        for number in range(1, count + 1):
            full_name = name if count == 1 else f"{name}.{number}"
            env = _environment(environ, (ports or {}).get(full_name))
            argv = ("/bin/sh", "-c", f"exec {command}")
            specs.append(ProcessSpec(full_name, argv, env, cwd=path.resolve().parent))
    return specs


def _environment(environ: Mapping[str, str], port: int | None) -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    full = {**environ, "PATH": os.pathsep.join([here, environ.get("PATH", os.defpath)])}
    full["PYTHONUNBUFFERED"] = "1"
    full.pop("PORT", None)
    if port is not None:
        full["PORT"] = str(port)
    return full
