"""``connector sync``: a backfill, or one record, through the queue."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
from psycopg.rows import DictRow

from shared.bill.models import Kind
from shared.errors import ConnectorError, UsageError
from shared.store import progress
from shared.store.pool import Conn, connect
from shared.store.progress import Scope
from shared.store.records import Heard, Urgency, make_due
from shared.store.tenants import TenantRow, get_tenant
from shared.store.watermarks import begin_backfill
from shared.tenants import TenantConfig
from workers.cli.bars import counting
from workers.cli.errors import Interrupted, naming
from workers.cli.output import note, say
from workers.cli.session import NAME, Session, pass_session
from workers.sync.backfill import backfill

if TYPE_CHECKING:
    from workers.wiring import Context

_FALLBACK_S: Final = 5.0
"""How often the database is asked when no word comes: a word can be lost with a connection."""

_QUIET_S: Final = 30.0
_MOST_SHOWN: Final = 20


class _BillId(click.ParamType[str]):
    """An id as BILL gives them."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
            self.fail("must be an id of BILL's: letters, digits, - and _, at most 64", param, ctx)
        return str(value)


@click.command(short_help="Fetch a tenant's records from BILL now, or one of them.")
@click.argument("tenant")
@click.option("--vendor", "vendor_id", type=_BillId(), help="Only the vendor with this id in BILL.")
@click.option("--bill", "bill_id", type=_BillId(), help="Only the bill with this id in BILL.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only what changed in BILL on or after this day (UTC).",
)
@click.option("--wait", is_flag=True, help="Wait until all of it is done.")
@pass_session
def sync(
    session: Session,
    tenant: str,
    vendor_id: str | None,
    bill_id: str | None,
    since: datetime | None,
    wait: bool,
) -> None:
    """Bring a tenant's records from BILL to Visma now: all, those changed since a day, or one.

    The work goes through the queue to the workers. With --wait the command stays until it is done, and
    fails if anything of it is held or dead.

    \b
    Examples:
      connector sync acme-se --since 2026-01-01 --wait
      connector sync acme-se --bill 00n01EXAMPLE --wait
    """
    scope = _scope(tenant, vendor_id, bill_id, since)
    with connect(session.settings.database_url, name=NAME) as ears, session.database() as conn:
        row = get_tenant(conn, tenant)
        _refuse_idle(row)
        progress.listen(ears)
        with session.context() as context, naming(tenant):
            if scope.kind is not None:
                _send_record(conn, context, scope)
            elif wait:
                _read_lists(context, row.config, scope)
            else:
                begin_backfill(conn, tenant, _day(scope))
        if wait:
            _wait(ears, conn, scope)
        else:
            say(f"{_named(scope)}: on its way; follow it with `{_follow(scope)}`")


def _scope(tenant: str, vendor_id: str | None, bill_id: str | None, since: datetime | None) -> Scope:
    if vendor_id and bill_id:
        raise click.UsageError("give --vendor or --bill, not both")
    if since and (vendor_id or bill_id):
        raise click.UsageError("--since is for a whole tenant: leave it out, or leave out the id")
    kind: Kind | None = "vendor" if vendor_id else "bill" if bill_id else None
    return Scope(tenant, kind, vendor_id or bill_id, since.replace(tzinfo=UTC) if since else None)


def _refuse_idle(row: TenantRow) -> None:
    tenant = row.config.id
    if row.paused:
        raise UsageError(f"{tenant} is paused: go on with `connector tenant resume {tenant}`")
    if row.suspended:
        raise UsageError(
            f"{tenant} is suspended: {row.suspended}; give new ones with "
            f"`connector credentials set {tenant} bill|visma`"
        )


def _send_record(conn: Conn, context: Context, scope: Scope) -> None:
    if scope.kind is not None and scope.bill_id is not None:
        heard = Heard(scope.kind, scope.bill_id, urgency=Urgency.WEBHOOK, forced=True)
        context.dispatcher.dispatch(make_due(conn, scope.tenant, [heard]))


def _read_lists(context: Context, config: TenantConfig, scope: Scope) -> None:
    """Make due what BILL lists, here and not in a task: only so is it known when the last of it is done."""
    try:
        with counting(f"{scope.tenant}: reading BILL's vendors and bills") as show:
            bill = context.bill(config)
            seen = backfill(context.pool, bill, config, _day(scope), context.clock, tell=show)
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped reading: what was read goes on, see `{_follow(scope)}`; run it again to read the rest"
        ) from None
    context.dispatcher.dispatch_due()
    note(f"{scope.tenant}: {seen} vendors and bills read")


def _day(scope: Scope) -> str | None:
    return scope.since.date().isoformat() if scope.since else None


def _wait(ears: Conn, conn: Conn, scope: Scope) -> None:
    try:
        with counting(f"{_named(scope)}: waiting for the workers") as show:
            quiet_s, most = 0.0, 0
            while left := progress.count_left(conn, scope):
                most = max(most, left)  # more may become due meanwhile
                show(most - left, most)
                _refuse_idle(get_tenant(conn, scope.tenant))
                heard = progress.wait_for_word(ears, at_most_s=_FALLBACK_S)
                quiet_s = 0.0 if heard else quiet_s + _FALLBACK_S
                if quiet_s == _QUIET_S:
                    note("nothing has moved for a while: do workers run (`connector up`)?")
    except KeyboardInterrupt:
        raise Interrupted(f"stopped watching, the work goes on: follow it with `{_follow(scope)}`") from None
    _judge(scope, progress.list_stopped(conn, scope))


def _judge(scope: Scope, stopped: list[DictRow]) -> None:
    if not stopped:
        say(f"{_named(scope)}: done")
        return
    if scope.kind is not None:
        row = stopped[0]
        why = ": ".join(text for text in (row["reason"], row["detail"]) if text)
        raise ConnectorError(f"{_named(scope)} is {row['state']}: {why}; see `{_follow(scope)}`")
    shown = [
        f"{row['kind']} {row['bill_id']} ({row['reason'] or row['state']})" for row in stopped[:_MOST_SHOWN]
    ]
    more = f" and {len(stopped) - _MOST_SHOWN} more" if len(stopped) > _MOST_SHOWN else ""
    raise ConnectorError(
        f"{scope.tenant} has records that need a person: {', '.join(shown)}{more}; "
        f"see `connector records show {scope.tenant} KIND ID`"
    )


def _named(scope: Scope) -> str:
    return f"{scope.tenant} {scope.kind} {scope.bill_id}" if scope.kind else scope.tenant


def _follow(scope: Scope) -> str:
    if scope.kind:
        return f"connector records show {scope.tenant} {scope.kind} {scope.bill_id}"
    return f"connector status {scope.tenant}"
