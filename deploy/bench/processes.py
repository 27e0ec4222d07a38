"""Processes of the Procfile that a measurement starts for itself, beside the stage."""

from __future__ import annotations

import http.client
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import psutil

from deploy.child import ProcessSpec
from deploy.procfile import parse_procfile, read_procfile
from deploy.stage import HOST, READY_S, Stage
from deploy.supervisor import Supervisor
from shared.errors import SettingsError

INGRESS = "ingress.wsgi:application"
BARE = "deploy.bench.bare:application"
CONNECTOR = "--app=workers.app"
NOOP = "--app=deploy.bench.noop"


@contextmanager
def running(stage: Stage, *specs: ProcessSpec) -> Iterator[Supervisor]:
    """The processes for the time of the block; those with a probe serve once it begins."""
    with Supervisor(specs, stage.log_dir) as supervisor:
        supervisor.wait_ready(READY_S)
        yield supervisor


def fleet_specs(stage: Stage, *names: str, settings: Mapping[str, str] | None = None) -> list[ProcessSpec]:
    """Processes of the Procfile by name; ``settings`` are added to their environment."""
    environ = {**stage.composition.environ, **(settings or {})}
    return read_procfile(environ=environ, counts={name: int(name in names) for name in parse_procfile()})


def bare_server(stage: Stage) -> tuple[ProcessSpec, str]:
    """The web process with a bare Flask app in place of the ingress; and where it listens."""
    port = _free_port()
    counts = {name: int(name == "web") for name in parse_procfile()}
    spec = read_procfile(environ=stage.composition.environ, counts=counts, ports={"web": port})[0]
    url = f"http://{HOST}:{port}"
    return replace(_swapped(spec, "bare", INGRESS, BARE), ready=lambda: _answers(url)), url


def noop_worker(stage: Stage) -> tuple[ProcessSpec, str]:
    """The worker with a task that does nothing, on a Redis database of its own; and that one's URL."""
    url = _other_database(stage.composition.settings.redis_url)
    environ = {**stage.composition.environ, "REDIS_URL": url}
    environ.pop("REDIS_URL_FILE", None)
    counts = {name: int(name == "worker") for name in parse_procfile()}
    spec = read_procfile(environ=environ, counts=counts)[0]
    return _swapped(spec, "noop", CONNECTOR, NOOP), url


def measure_cpu_s(worker: int) -> float:
    """Processor seconds that a worker and its pool have taken so far."""
    process = psutil.Process(worker)
    taken = process.cpu_times()
    total = taken.user + taken.system + getattr(taken, "children_user", 0.0)
    total += getattr(taken, "children_system", 0.0)
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # the pool may replace one meanwhile
            total += sum(child.cpu_times()[:2])
    return float(total)


def _swapped(spec: ProcessSpec, name: str, old: str, new: str) -> ProcessSpec:
    command = spec.argv[-1]
    if old not in shlex.split(command):
        raise SettingsError(f"the Procfile's {spec.name} does not run {old}")
    return replace(spec, name=name, argv=(*spec.argv[:-1], command.replace(old, new)))


def _other_database(redis_url: str) -> str:
    return urlsplit(redis_url)._replace(path="/1").geturl()


def _answers(url: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.NOT_FOUND
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
