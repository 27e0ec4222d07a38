from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from tests.command_line import NOWHERE, run, the_line
from workers.cli.main import connector

pytestmark = pytest.mark.unit

SECRET = "hunter2"


def _commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(inner, (*path, name))


@pytest.mark.parametrize("path, command", list(_commands(connector)))
def test_help_says_what_it_does_and_gives_an_example(path: tuple[str, ...], command: click.Command) -> None:
    shown = run({}, *path, "--help")
    assert shown.exit_code == 0
    assert (command.help or "").split("\n\n")[0].endswith(".")
    if not isinstance(command, click.Group):
        assert f"connector {' '.join(path)}" in shown.stdout.split("Example", 1)[1]


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("records", "list"),
        ("records", "show", "acme", "invoice", "1"),
        ("records", "list", "acme", "--state", "lost"),
        ("dead-letters", "show", "first"),
        ("sync", "acme", "--bill", "../1"),
        ("sync", "acme", "--bill", "1", "--vendor", "2"),
        ("sync", "acme", "--bill", "1", "--since", "2026-01-01"),
        ("sync", "acme", "--since", "yesterday"),
        ("tenant", "apply"),
        ("webhook", "rotate", "acme", "--grace", "-1"),
    ],
)
def test_wrong_usage_exits_2(args: tuple[str, ...]) -> None:
    assert run(NOWHERE, *args).exit_code == 2


@pytest.mark.parametrize(
    "args",
    [
        ("acme", "bill", SECRET),
        ("acme", "bill", f"--password={SECRET}"),
        ("acme", "bill", "--password", SECRET),
        ("acme", f'{{"password":"{SECRET}"}}'),
        ("acme", SECRET, "bill"),
    ],
)
def test_a_secret_among_the_arguments_is_refused_and_not_repeated(args: tuple[str, ...]) -> None:
    result = run(NOWHERE, "credentials", "set", *args)
    assert result.exit_code == 2
    assert SECRET not in result.output


@pytest.mark.parametrize(
    "environ, said",
    [
        (NOWHERE, "cannot reach PostgreSQL at 127.0.0.1:1: Connection refused; check DATABASE_URL"),
        ({**NOWHERE, "CONNECTOR_MASTER_KEYS": ""}, "CONNECTOR_MASTER_KEYS is not set"),
        ({**NOWHERE, "CONNECTOR_MASTER_KEYS": f"a:{SECRET}"}, "CONNECTOR_MASTER_KEYS must be"),
        ({**NOWHERE, "DATABASE_URL": f"mysql://u:{SECRET}@h/x"}, "DATABASE_URL must be"),
        ({**NOWHERE, "LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be one of"),
    ],
)
def test_settings_that_do_not_work_give_one_line(environ: dict[str, str], said: str) -> None:
    line = the_line(run(environ, "status"))
    assert line.startswith("connector: ")
    assert said in line
    assert SECRET not in line


def test_a_traceback_is_shown_only_when_asked_for() -> None:
    result = run({**NOWHERE, "LOG_LEVEL": "DEBUG"}, "status")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert SECRET not in result.stderr


def test_webhook_subscribe_needs_the_public_address() -> None:
    assert "PUBLIC_BASE_URL" in the_line(run(NOWHERE, "webhook", "subscribe", "acme"))


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.cli.session.connect", interrupt)
    result = run(NOWHERE, "status")
    assert result.exit_code == 130
    assert "interrupted" in result.stderr


def test_the_version_is_told_also_where_nothing_is_installed() -> None:
    shown = run({}, "--version")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("connector, version ")


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [("connector", "dead", "dead-letters"), ("connector records list", "--st", "--state")],
)
def test_shells_complete_commands_and_options(
    monkeypatch: pytest.MonkeyPatch, words: str, typed: str, offered: str
) -> None:
    monkeypatch.setenv("_CONNECTOR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"{words} {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    assert f"plain,{offered}" in run({}).stdout.split()
