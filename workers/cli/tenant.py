"""``connector tenant``: the pairs of a BILL organization and a Visma company."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from shared.errors import UsageError
from shared.store import watermarks
from shared.store.pool import Conn
from shared.store.records import rejudge_all
from shared.store.secrets import SecretKind, find_secret
from shared.store.tenants import TenantRow, apply_tenant, find_tenant, get_tenant, list_tenants
from shared.tenant_file import config_to_json, parse_tenant
from shared.tenants import TenantConfig
from workers.cli.output import json_option, print_facts, print_json, print_table, say
from workers.cli.session import Session, pass_session
from workers.cli.status import state_of

_SECRETS: tuple[SecretKind, ...] = ("bill", "visma", "webhook_key")


@click.group(short_help="Manage the pairs of BILL organization and Visma company.")
def tenant() -> None:
    """Manage tenants: each one pairs a BILL organization with a Visma.net company."""


@tenant.command("apply", short_help="Save tenants' settings from their TOML files.")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path)
)
@pass_session
def apply(session: Session, files: tuple[Path, ...]) -> None:
    """Save the settings of one or more tenants from their TOML files.

    All files are checked first; if one is wrong, nothing is saved. A new tenant is polled at once, and
    what is held is judged anew under the new settings.

    \b
    Example:
      connector tenant apply acme-se.toml acme-dk.toml
    """
    configs = [parse_tenant(path.read_bytes(), source=str(path)) for path in files]
    _refuse_twice(configs)
    with session.database() as conn, conn.transaction():
        said = [_apply_one(conn, config) for config in configs]
    for line in said:
        say(line)


def _refuse_twice(configs: list[TenantConfig]) -> None:
    ids = [config.id for config in configs]
    twice = next((id_ for id_ in ids if ids.count(id_) > 1), None)
    if twice is not None:
        raise UsageError(f"two of the files are for tenant {twice}: give one of them")


def _apply_one(conn: Conn, config: TenantConfig) -> str:
    is_new = find_tenant(conn, config.id) is None
    apply_tenant(conn, config)
    if is_new:
        return f"{config.id}: added; next: `connector credentials set {config.id} bill`, then visma"
    watermarks.poll_now(conn, config.id)
    judged = len(rejudge_all(conn, config.id))
    return f"{config.id}: changed" + (f", {judged} records are judged anew" if judged else "")


@tenant.command("list", short_help="List all tenants.")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List all tenants.

    \b
    Example:
      connector tenant list
    """
    with session.database() as conn:
        rows = list_tenants(conn)
    if as_json:
        print_json([_summary(row) for row in rows])
        return
    columns = ("tenant", "name", "state", "BILL organization", "Visma company")
    empty = "no tenants yet: add one with `connector tenant apply FILE`"
    print_table(columns, (tuple(_summary(row).values())[:5] for row in rows), empty=empty)


def _summary(row: TenantRow) -> dict[str, Any]:
    return {
        "tenant": row.config.id,
        "name": row.config.name,
        "state": state_of(row),
        "organization_id": row.config.bill.organization_id,
        "company_id": row.config.visma.company_id,
        "suspended": row.suspended,
    }


@tenant.command("show", short_help="Show one tenant's settings.")
@click.argument("tenant_id", metavar="ID")
@json_option
@pass_session
def show(session: Session, tenant_id: str, as_json: bool) -> None:
    """Show one tenant's settings, defaults included, and which credentials it has.

    \b
    Example:
      connector tenant show acme-se
    """
    with session.database() as conn:
        row = get_tenant(conn, tenant_id)
        stored = [kind for kind in _SECRETS if find_secret(conn, tenant_id, kind) is not None]
    settings = config_to_json(row.config)
    if as_json:
        print_json({**_summary(row), "credentials": stored, "settings": settings})
        return
    print_facts([("state", state_of(row)), ("suspended", row.suspended)])
    print_facts([("credentials", ", ".join(stored) or "none")])
    print_facts(_flatten(settings))


def _flatten(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{path}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, item in enumerate(value):
                yield from _flatten(item, f"{path}{key}[{number}].")
        elif value is not None:
            yield f"{path}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@tenant.command("pause", short_help="Stop all work for a tenant.")
@click.argument("tenant_id", metavar="ID")
@pass_session
def pause(session: Session, tenant_id: str) -> None:
    """Stop all work for a tenant until it is resumed; nothing is lost meanwhile.

    BILL's notifications are refused while it is paused; polling catches up afterwards.

    \b
    Example:
      connector tenant pause acme-se
    """
    from workers.cli.link import find_operator
    from workers.sync.pausing import pause_tenant

    with session.database() as conn:
        pause_tenant(conn, tenant_id, by=find_operator())
    say(f"{tenant_id}: paused; go on with `connector tenant resume {tenant_id}`")


@tenant.command("resume", short_help="Go on with a paused or suspended tenant.")
@click.argument("tenant_id", metavar="ID")
@pass_session
def resume(session: Session, tenant_id: str) -> None:
    """Go on with a paused or suspended tenant, and poll both systems at once.

    \b
    Example:
      connector tenant resume acme-se
    """
    from workers.cli.link import find_operator
    from workers.sync.pausing import resume_tenant

    with session.database() as conn:
        resume_tenant(conn, tenant_id, by=find_operator())
    say(f"{tenant_id}: active, polled at once")
