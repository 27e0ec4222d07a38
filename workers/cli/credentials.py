"""``connector credentials``: what lets the connector into BILL and Visma, sealed at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import click
from marshmallow import Schema, ValidationError, fields, validate

from shared import jsontext
from shared.errors import UsageError
from shared.store import records, watermarks
from shared.store.secrets import SecretKind, put_secret
from shared.store.tenants import get_tenant, lift_suspension
from workers.cli.output import clean, say
from workers.cli.session import Session, pass_session

_MAX_BYTES = 65_536
_NAMES: Final = {"bill": "BILL", "visma": "Visma"}


def _text() -> fields.String:
    sound = validate.Regexp(r"\A[^\x00-\x1f\x7f]{1,1000}\Z", error="must be one line of text, not empty")
    return fields.String(required=True, validate=sound, error_messages={"invalid": "must be a text"})


class _BillSchema(Schema):
    """A BILL user, or a sync token's name and value, and the developer key."""

    username = _text()
    password = _text()
    dev_key = _text()


class _VismaSchema(Schema):
    """A client of Visma Connect with the client credentials grant."""

    client_id = _text()
    client_secret = _text()


_SCHEMAS: Final[Mapping[SecretKind, Schema]] = {"bill": _BillSchema(), "visma": _VismaSchema()}
_SHOWN: Final = {"username", "client_id"}  # typed visibly at a prompt; everything else is hidden


class _System(click.Choice[str]):
    """``bill`` or ``visma``; never repeats what was typed, for it may be a secret in the wrong place."""

    name = "system"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in _SCHEMAS:
            self.fail("give bill or visma after the tenant", param, ctx)
        return str(value)


@click.group(short_help="Store what lets us into BILL and Visma.")
def credentials() -> None:
    """Store what lets the connector into BILL and Visma.

    Credentials are sealed under the master key before they are stored, and never shown again.
    """


@credentials.command(
    "set",
    short_help="Seal a tenant's credentials for one system.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("tenant")
@click.argument("system", type=_System(tuple(_SCHEMAS)), metavar="bill|visma")
@click.argument("surplus", nargs=-1, type=click.UNPROCESSED, metavar="")
@pass_session
def set_(session: Session, tenant: str, system: SecretKind, surplus: tuple[str, ...]) -> None:
    """Seal a tenant's credentials for one system.

    Asks for them on a terminal; otherwise reads a JSON object from stdin, with the keys username,
    password and dev_key for bill, client_id and client_secret for visma. Work that stopped because the
    old ones were refused goes on.

    \b
    Examples:
      connector credentials set acme-se bill
      connector credentials set acme-se visma < visma.json
    """
    if surplus:
        raise click.UsageError(
            "secrets are never given as arguments, where the shell's history and other users see them: "
            "type them at the prompts or give JSON on stdin, and change those you have just typed"
        )
    with session.database() as conn:
        get_tenant(conn, tenant)
        given = _ask(system) if sys.stdin.isatty() else _read(system)
        plaintext = jsontext.dumps(given).encode()
        sealed = session.vault.seal(plaintext, tenant=tenant, kind=system)
        with conn.transaction():
            put_secret(conn, tenant, system, sealed)
            lifted = lift_suspension(conn, tenant)
            watermarks.poll_now(conn, tenant)
            records.wake_all(conn, tenant)
    say(f"{tenant}: {_NAMES[system]} credentials sealed under key {sealed.key_id}")
    if lifted:
        say(f"{tenant}: no longer suspended, work goes on")


def _ask(system: SecretKind) -> dict[str, str]:
    given = {
        name: click.prompt(f"{_NAMES[system]} {name}", hide_input=name not in _SHOWN, err=True)
        for name in _SCHEMAS[system].fields
    }
    return _check(system, given)


def _read(system: SecretKind) -> dict[str, str]:
    raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
    try:
        given = jsontext.loads(raw) if len(raw) <= _MAX_BYTES else None
    except ValueError:  # its text may quote the input
        given = None
    if not isinstance(given, dict):
        raise UsageError(f"stdin must hold one JSON object with the keys {_keys_of(system)}")
    return _check(system, given)


def _check(system: SecretKind, given: Mapping[str, Any]) -> dict[str, str]:
    try:
        checked: dict[str, str] = _SCHEMAS[system].load(given)
    except ValidationError as error:
        problems = error.messages_dict
        said = "; ".join(f"{clean(str(key))[:40]}: {_problem(problem)}" for key, problem in problems.items())
        raise UsageError(f"{_NAMES[system]} credentials: {said}; the keys are {_keys_of(system)}") from None
    return checked


def _problem(problem: Any) -> str:
    text = problem[0] if isinstance(problem, list) else "wrong"
    return {"Unknown field.": "unknown", "Missing data for required field.": "missing"}.get(text, str(text))


def _keys_of(system: SecretKind) -> str:
    return ", ".join(_SCHEMAS[system].fields)
