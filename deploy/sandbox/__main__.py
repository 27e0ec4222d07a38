"""``python -m deploy.sandbox``: serve until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web

from deploy.sandbox.app import make_app, urls
from deploy.sandbox.world import World


def main(argv: list[str] | None = None) -> int:
    """Parse the arguments and serve; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.sandbox", description="Simulated BILL and Visma.net ERP"
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="file that gets the addresses once they are served")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when the starting process does"
    )
    arguments = parser.parse_args(argv)
    if not _is_loopback(arguments.host):
        parser.error("--host must be a loopback address: the control interface has no authentication")
    try:
        asyncio.run(_serve(arguments))
    except OSError as error:
        sys.stderr.write(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror}\n")
        return 1
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    runner = web.AppRunner(make_app(World()), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, arguments.host, arguments.port).start()
        _announce(arguments.host, runner.addresses[0][1], arguments.ready_file)
        await stop.wait()
    finally:
        await runner.cleanup()


def _announce(host: str, port: int, ready_file: Path | None) -> None:
    shown = f"[{host}]" if ":" in host else host
    text = json.dumps({**urls(f"http://{shown}:{port}"), "pid": os.getpid()})
    if ready_file is not None:
        _write_atomically(ready_file, text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _write_atomically(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    sys.exit(main())
