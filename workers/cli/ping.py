"""``connector ping``: whether a tenant's two systems give the sync what it needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from shared.errors import ConnectorError
from shared.store.contents import find_created_kinds
from shared.store.pool import Conn
from shared.store.tenants import TenantRow, get_tenant, list_tenants
from workers.cli.checks import Check, Checks, Doubt, tell_skew
from workers.cli.output import json_option, print_heading, print_json, say, working
from workers.cli.ping_bill import BillProbe
from workers.cli.ping_visma import VismaProbe
from workers.cli.session import Session, pass_session
from workers.cli.subscription import KeyKeeper

if TYPE_CHECKING:
    from workers.wiring import Context


@click.command(short_help="Log in to both systems and check what the sync needs.")
@click.argument("tenants", metavar="[TENANT]...", nargs=-1)
@json_option
@pass_session
def ping(session: Session, tenants: tuple[str, ...], as_json: bool) -> None:
    """Log in to both systems of these tenants, or of all, and check what the sync needs of them.

    One line a check, with what to do when it fails. Nothing is changed in either system. Fails if any
    check does; warnings alone do not.

    \b
    Examples:
      connector ping
      connector ping acme-se --json
    """
    with session.database() as conn, session.context() as context:
        rows = [get_tenant(conn, tenant) for tenant in dict.fromkeys(tenants)] or list_tenants(conn)
        done = [_check(session, context, conn, row, as_json=as_json) for row in rows]
    if as_json:
        print_json([_to_json(checks.tenant, check) for checks in done for check in checks.done.values()])
    if not rows and not as_json:
        say("no tenants yet: add one with `connector tenant apply FILE`")
    failed = [f"{checks.tenant} {name}" for checks in done for name in checks.failed]
    if failed:
        raise ConnectorError(f"{len(failed)} failed: {', '.join(failed)}")


def _check(session: Session, context: Context, conn: Conn, row: TenantRow, *, as_json: bool) -> Checks:
    tenant = row.config.id
    if not as_json:
        print_heading(f"{tenant}  {row.config.name}")
    with ExitStack() as stack:
        show = None  # where lines come one by one, they are what shows that something goes on
        if as_json:
            show = stack.enter_context(working(f"{tenant}: asking both systems"))
        checks = Checks(tenant, session.settings, _teller(show, tenant))
        checks.run("tenant", lambda: _judge_tenant(row), "")
        checks.run("mapping.country", lambda: _judge_country(row), "")
        checks.run("database clock", lambda: tell_skew(_measure_skew_s(conn, context), "PostgreSQL's"), "")
        _bill(session, context, conn, row).check(checks)
        _visma(context, conn, row).check(checks)
    return checks


def _teller(show: Callable[[str], None] | None, tenant: str) -> Callable[[Check], None]:
    def tell(check: Check) -> None:
        if show is None:
            click.echo(str(check))
        else:
            show(f"{tenant}: {check.name}")

    return tell


def _bill(session: Session, context: Context, conn: Conn, row: TenantRow) -> BillProbe:
    config = row.config
    return BillProbe(
        config,
        context.bill(config),
        context.subscriptions(config),
        lambda: context.bill_credentials(config.id),
        KeyKeeper(conn, context.vault, config.id).find,
        context.clock,
        session.settings.public_base_url,
    )


def _visma(context: Context, conn: Conn, row: TenantRow) -> VismaProbe:
    config = row.config
    return VismaProbe(
        config,
        context.visma(config),
        lambda: context.visma_credentials(config.id),
        lambda: find_created_kinds(conn, config.id),
        context.clock,
    )


def _judge_tenant(row: TenantRow) -> str | Doubt:
    tenant = row.config.id
    if row.suspended:
        return Doubt(f"suspended: {row.suspended}", f"run `connector credentials set {tenant} ...`")
    if row.paused:
        return Doubt("paused", f"go on with `connector tenant resume {tenant}`")
    return "active"


def _judge_country(row: TenantRow) -> str | Doubt:
    country = row.config.mapping.country
    if country is None:
        return Doubt(
            "it is left out, so no vendor is judged by its country and foreign VAT is not noticed",
            "set mapping.country in the tenant's file and apply it",
        )
    return country


def _measure_skew_s(conn: Conn, context: Context) -> float:
    before = context.clock()
    row = conn.execute("SELECT clock_timestamp() AS now").fetchone()
    middle = before + (context.clock() - before) / 2
    return float((row["now"] - middle).total_seconds()) if row else 0.0


def _to_json(tenant: str, check: Check) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "check": check.name,
        "state": check.state,
        "detail": check.detail,
        "next": check.next_step,
    }
