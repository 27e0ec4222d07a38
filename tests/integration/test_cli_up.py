from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
import requests

from tests.command_line import MASTER_KEYS, run, the_line

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environ(store_dsn: str, redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": store_dsn,
        "REDIS_URL": redis_url,
        "CONNECTOR_MASTER_KEYS": MASTER_KEYS,
        "CONNECTOR_HOME": str(tmp_path),
        "FLOWER_BASIC_AUTH": "operator:hunter2",
        "WORKER_NAME": "up-test",
        "WORKER_CONCURRENCY": "1",
        "WEB_CONCURRENCY": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_up_serves_until_ctrl_c_and_leaves_nothing_behind(environ: dict[str, str]) -> None:
    web, flower, sandbox = _free_port(), _free_port(), _free_port()
    words = [
        "up",
        "--sandbox",
        "--port",
        str(web),
        "--flower-port",
        str(flower),
        "--sandbox-port",
        str(sandbox),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.cli.main", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if line.startswith("running"):
                    break
            shown = "".join(said)
            assert f"http://127.0.0.1:{flower}/" in shown
            assert f"http://127.0.0.1:{sandbox}/bill/connect" in shown
            assert "hunter2" not in shown
            assert requests.get(f"http://127.0.0.1:{web}/readyz", timeout=5).status_code == 200
            started = psutil.Process(process.pid).children(recursive=True)
            assert len(started) >= 5
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(timeout=60) == 0
        finally:
            process.terminate()  # where an assertion failed; it has ended otherwise
    assert psutil.wait_procs(started, timeout=10)[1] == []


def test_a_taken_port_is_named_with_the_option_to_change_it(environ: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = the_line(run(environ, "up", "--flower-port", port, "--port", str(_free_port())))
    assert f"port {port} for flower is taken" in line
    assert "--flower-port" in line


def test_up_needs_a_sign_in_for_flower_before_anything_starts(environ: dict[str, str]) -> None:
    line = the_line(run({**environ, "FLOWER_BASIC_AUTH": ""}, "up"))
    assert "FLOWER_BASIC_AUTH is not set" in line
