"""``connector up``: the whole fleet on this machine, in the foreground."""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click
from psycopg.conninfo import conninfo_to_dict

from deploy.child import ProcessSpec
from deploy.embedded.resolve import Composition, compose
from deploy.procfile import PROJECT, read_procfile
from deploy.run import FLOWER_PORT
from deploy.supervisor import Supervisor
from shared.errors import UsageError
from shared.settings import Settings, read_environ
from shared.store import migrate
from workers.cli.output import note, print_facts, say, working
from workers.cli.session import Session, pass_session

F = TypeVar("F", bound=Callable[..., Any])

HOST: Final = "127.0.0.1"
WEB_PORT: Final = 8000
SANDBOX_PORT: Final = 8900
_ANSWER_S: Final = 2.0
_READY_S: Final = 60.0


def _port_option(name: str, what: str, default: int) -> Callable[[F], F]:
    return click.option(
        name,
        type=click.IntRange(1, 65_535),
        metavar="PORT",
        help=f"Where {what} listens; {default} on this machine alone, unless given.",
    )


@click.command(short_help="Run everything on this machine until Ctrl-C.")
@click.option("--sandbox", is_flag=True, help="Run the simulated BILL and Visma too.")
@_port_option("--port", "the ingress", WEB_PORT)
@_port_option("--flower-port", "Flower", FLOWER_PORT)
@click.option(
    "--sandbox-port",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    default=SANDBOX_PORT,
    show_default=True,
    help="Where the sandbox listens.",
)
@pass_session
def up(session: Session, sandbox: bool, port: int | None, flower_port: int | None, sandbox_port: int) -> None:
    """Run ingress, workers, beat and Flower on this machine until Ctrl-C.

    Brings the database up to date first. Embedded PostgreSQL and Redis run along where DATABASE_URL or
    REDIS_URL is not set.

    \b
    Examples:
      connector up
      connector up --sandbox --port 8080
    """
    with working("starting the servers"):
        composition = compose(session.environ)
    settings = session.__dict__["settings"] = composition.settings
    settings.get_flower_basic_auth()
    for name in migrate.migrate(settings.database_url):
        say(f"applied {name}")
    ports = _chosen_ports(settings, port, flower_port)
    specs = _processes(composition, ports, sandbox_port if sandbox else None)
    code = _run(specs, lambda: _tell(session.environ, composition, ports, sandbox_port if sandbox else None))
    if composition.lease is not None:
        composition.lease.release()
    sys.exit(code)


def _chosen_ports(settings: Settings, port: int | None, flower_port: int | None) -> dict[str, int]:
    """The ports that someone chose: a process whose port nobody chose serves this machine alone."""
    chosen = {"web": port or settings.port, "flower": flower_port}
    return {name: number for name, number in chosen.items() if number is not None}


def _processes(
    composition: Composition, ports: Mapping[str, int], sandbox_port: int | None
) -> list[ProcessSpec]:
    serving = {"web": (ports.get("web", WEB_PORT), "/livez", "--port")}
    serving["flower"] = (ports.get("flower", FLOWER_PORT), "/healthcheck", "--flower-port")
    specs = read_procfile(ports=ports, environ=_readable(composition.environ))
    if sandbox_port is not None:
        specs.insert(0, _sandbox(specs[0].env, sandbox_port))
        serving["sandbox"] = (sandbox_port, "/", "--sandbox-port")
    for name, (port, _, option) in serving.items():
        _refuse_taken(name, port, option)
    return [
        replace(spec, ready=_answers(*serving[spec.name][:2])) if spec.name in serving else spec
        for spec in specs
    ]


def _readable(environ: Mapping[str, str]) -> dict[str, str]:
    """The processes' lines come through us: whether a person reads them is for us to say."""
    chosen = {"LOG_FORMAT", "LOG_FORMAT_FILE"} & environ.keys()
    return {**environ} if chosen or not sys.stdout.isatty() else {**environ, "LOG_FORMAT": "console"}


def _sandbox(env: Mapping[str, str], port: int) -> ProcessSpec:
    argv = (sys.executable, "-m", "deploy.sandbox", "--host", HOST, "--port", str(port))
    return ProcessSpec("sandbox", argv, env, cwd=PROJECT)


def _refuse_taken(name: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.settimeout(_ANSWER_S)
        if probe.connect_ex((HOST, port)) == 0:
            raise UsageError(
                f"port {port} for {name} is taken: stop what listens there, or give {option} PORT"
            )


def _answers(port: int, path: str) -> Callable[[], bool]:
    """Whether anything on the port answers HTTP by now."""

    def ask() -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def _run(specs: list[ProcessSpec], tell: Callable[[], None]) -> int:
    supervisor = Supervisor(specs)
    try:
        supervisor.start()
        supervisor.wait_ready(_READY_S)
        tell()
        with supervisor.until_signal():
            code = supervisor.wait()
            note("stopping")
            supervisor.stop()
        return code
    finally:
        supervisor.stop()


def _tell(
    environ: Mapping[str, str], composition: Composition, ports: Mapping[str, int], sandbox_port: int | None
) -> None:
    settings = composition.settings
    database = conninfo_to_dict(settings.database_url)
    redis = urlsplit(settings.redis_url)
    print_facts(
        [
            ("ingress", f"http://{HOST}:{ports.get('web', WEB_PORT)}/webhooks/bill/<tenant>"),
            ("Flower", f"http://{HOST}:{ports.get('flower', FLOWER_PORT)}/"),
            ("Flower sign-in", _made_sign_in(environ, settings)),
            *_sandbox_urls(sandbox_port),
            ("PostgreSQL", f"{database.get('host', 'localhost')}:{database.get('port', 5432)}"),
            ("Redis", f"{redis.hostname}:{redis.port or 6379}"),
            ("embedded under", str(settings.home) if composition.embedded else None),
            (
                "BILL reaches us at",
                settings.public_base_url or "nowhere (PUBLIC_BASE_URL is not set): polling only",
            ),
        ]
    )
    say("running; stop with Ctrl-C")


def _sandbox_urls(port: int | None) -> list[tuple[str, str]]:
    """What a tenant's file says to use the sandbox, and where its control interface is."""
    if port is None:
        return []
    from deploy.sandbox.app import urls

    found = urls(f"http://{HOST}:{port}")
    names = {
        "bill.base_url": "bill_url",
        "bill.events_url": "events_url",
        "visma.base_url": "visma_url",
        "visma.token_url": "token_url",
        "sandbox control": "control_url",
    }
    return [(name, found[key]) for name, key in names.items()]


def _made_sign_in(environ: Mapping[str, str], settings: Settings) -> str | None:
    """User and password that were made here: their owner has not seen them elsewhere."""
    if "FLOWER_BASIC_AUTH" in read_environ(environ):
        return None
    return settings.get_flower_basic_auth()[0]
