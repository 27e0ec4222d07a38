"""A stage: the whole fleet as processes beside the sandbox, on free ports, under one home.

The demo and the acceptance tests play on it. What runs are the commands of the Procfile; what operators
do is done by the command ``connector``, as operators do it.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from deploy.child import ProcessSpec
from deploy.embedded.resolve import Composition, compose
from deploy.procfile import PROJECT, read_procfile
from deploy.sandbox.control import SandboxControl
from deploy.supervisor import Supervisor
from shared.errors import ConnectorError
from shared.store.migrate import migrate

HOST = "127.0.0.1"
READY_S = 60.0


class CommandFailed(ConnectorError):
    """A ``connector`` command exited with another status than it should."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the sandbox and the fleet listen."""

    bill_url: str
    events_url: str
    visma_url: str
    token_url: str
    control_url: str
    web_url: str
    flower_url: str


@dataclass(slots=True)
class Stage:
    """Use as a context manager: everything runs and answers inside, and is gone afterwards.

    ``counts`` says how many of each process run (default one); ``environ`` adds settings.
    """

    home: Path
    log_dir: Path
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    counts: Mapping[str, int] = field(default_factory=dict)
    _composition: Composition | None = None
    _sandbox: Supervisor | None = None
    _fleet: Supervisor | None = None
    _addresses: Addresses | None = None

    def __enter__(self) -> Stage:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def addresses(self) -> Addresses:
        """Where everything listens."""
        if self._addresses is None:
            raise RuntimeError("the stage is not up")
        return self._addresses

    @property
    def fleet(self) -> Supervisor:
        """The connector's own processes, to stop, restart and kill by name."""
        if self._fleet is None:
            raise RuntimeError("the stage is not up")
        return self._fleet

    @property
    def sandbox(self) -> Supervisor:
        """The process that is both simulated systems."""
        if self._sandbox is None:
            raise RuntimeError("the stage is not up")
        return self._sandbox

    @property
    def composition(self) -> Composition:
        """Settings and environment of the fleet."""
        if self._composition is None:
            raise RuntimeError("the stage is not up")
        return self._composition

    @property
    def control(self) -> SandboxControl:
        """The hands of the people who use BILL and Visma, and of whoever breaks things."""
        return SandboxControl(self.addresses.control_url)

    def connector(self, *words: str, given: str | None = None, fails: bool = False) -> str:
        """Run the command ``connector`` as an operator would and return what it printed.

        Raises CommandFailed when it exits with 0 although it should fail, or the other way round.
        """
        done = subprocess.run(
            [sys.executable, "-m", "workers.cli.main", *words],
            cwd=PROJECT,
            env=dict(self.composition.environ),
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if (done.returncode != 0) != fails:
            raise CommandFailed(
                f"connector {' '.join(words)} exited with {done.returncode}: "
                f"{(done.stderr or done.stdout).strip()}"
            )
        return done.stderr if fails else done.stdout

    def ask(self, *words: str) -> Any:
        """The answer of a reading command, as its ``--json`` gives it."""
        return json.loads(self.connector(*words, "--json"))

    def close(self) -> None:
        """Stop everything; safe to call twice."""
        for running in (self._fleet, self._sandbox):
            if running is not None:
                running.stop()
        self._fleet = self._sandbox = None
        if self._composition is not None and self._composition.lease is not None:
            self._composition.lease.release()
        self._composition = None

    def _start(self) -> None:
        web, flower = _free_port(), _free_port()
        web_url, flower_url = f"http://{HOST}:{web}", f"http://{HOST}:{flower}"
        environ = {**self.environ, "CONNECTOR_HOME": str(self.home), "PUBLIC_BASE_URL": web_url}
        self._composition = compose(environ)
        migrate(self._composition.settings.database_url)
        ready_file = self._start_sandbox()
        specs = read_procfile(
            ports={"web": web, "flower": flower},
            environ=self._composition.environ,
            counts=self.counts,
        )
        probes = {"web": f"{web_url}/readyz", "flower": f"{flower_url}/healthcheck"}
        self._fleet = Supervisor([_for_stage(spec, probes) for spec in specs], self.log_dir)
        self._fleet.start()
        self.sandbox.wait_ready(READY_S)
        found = json.loads(ready_file.read_text("utf-8"))
        found.pop("pid")
        self._addresses = Addresses(**found, web_url=web_url, flower_url=flower_url)
        self._fleet.wait_ready(READY_S)

    def _start_sandbox(self) -> Path:
        """Start it beside the fleet; the file in which it says where it serves."""
        ready_file = self.home / "sandbox.json"
        ready_file.unlink(missing_ok=True)
        argv = (sys.executable, "-m", "deploy.sandbox", "--ready-file", str(ready_file))
        spec = ProcessSpec(
            "sandbox",
            argv,
            dict(self.composition.environ),
            restart=False,
            ready=ready_file.exists,
            cwd=PROJECT,
        )
        self._sandbox = Supervisor([spec], self.log_dir)
        self._sandbox.start()
        return ready_file


def _for_stage(spec: ProcessSpec, probes: Mapping[str, str]) -> ProcessSpec:
    """The process as the Procfile has it, but open to this machine alone, and asked whether it serves."""
    if spec.name not in probes:
        return spec
    *shell, command = spec.argv
    option = f"--bind={HOST}:{spec.env['PORT']}" if spec.name == "web" else f"--address={HOST}"
    argv = (*shell, f"{command} {option}")
    return replace(spec, argv=argv, ready=lambda: _answers(probes[spec.name]))


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or HOST, parts.port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
