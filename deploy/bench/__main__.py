"""``python -m deploy.bench [--quick]``: measure, print one table, and write ``var/bench.json``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.bench.run import NOTE, bench_environ, run_bench
from deploy.bench.scale import FULL, QUICK
from deploy.bench.table import bench_table
from deploy.embedded.home import Home
from deploy.embedded.lease import wait_stopped
from deploy.procfile import PROJECT
from deploy.sandbox.control import ControlError
from deploy.sandbox.jsonio import Json
from deploy.supervisor import NotReady
from shared.errors import ConnectorError

_PIPE_WIDTH = 140
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Parse the arguments, measure, print and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of the load, for a first look")
    parser.add_argument("--out", type=Path, default=PROJECT / "var" / "bench.json", help="the file to write")
    options = parser.parse_args(argv)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    logs = options.out.parent / "bench-log"
    shutil.rmtree(logs, ignore_errors=True)
    try:
        with temporary_home() as home:
            result = run_bench(QUICK if options.quick else FULL, home, logs, bench_environ(os.environ), _say)
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return INTERRUPTED
    except (ConnectorError, ControlError, NotReady, OSError) as error:
        print(f"bench: {error}; the processes' logs are in {logs}", file=sys.stderr)
        return 1
    write_result(options.out, result)
    _print(console, result, options.out)
    return 0


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home for the embedded servers, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as name:
        root = Path(name)
        root.chmod(0o755)  # the embedded servers may run as a user of their own
        try:
            yield root
        finally:
            wait_stopped(Home(root))


def write_result(path: Path, result: Json) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def _print(console: Console, result: Json, path: Path) -> None:
    machine = result["machine"]
    console.print(bench_table(result))
    console.print(
        f"{machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}; load before "
        f"{machine['load_before']}; {result['seconds']:.0f} s. {NOTE}"
    )
    console.print(f"Written to {path}")


def _say(text: str) -> None:
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
