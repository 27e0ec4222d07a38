"""Starts a sandbox process of its own and waits until it serves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running sandbox answers."""

    bill_url: str
    events_url: str
    visma_url: str
    token_url: str
    control_url: str
    pid: int


@contextmanager
def launched(port: int = 0) -> Iterator[Addresses]:
    """A sandbox process for the time of the block; raises RuntimeError when it does not start.

    It ends with this process too, however that ends.
    """
    command = [sys.executable, "-m", "deploy.sandbox", "--port", str(port), "--until-stdin-closes"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=_ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise RuntimeError(f"the sandbox ended with status {process.wait(_STOP_S)}")
            yield Addresses(**json.loads(line))
        finally:
            process.terminate()
            process.wait(_STOP_S)
