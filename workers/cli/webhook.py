"""``connector webhook``: BILL's notifications for a tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from shared.bill.subscriptions import Subscriptions
from shared.errors import UsageError
from shared.store.pool import Conn
from shared.store.secrets import try_lock_webhook
from shared.store.tenants import get_tenant
from workers.cli import subscription as subscriptions
from workers.cli.delivery import compare, count, print_report, report_on
from workers.cli.errors import naming
from workers.cli.output import json_option, note, print_json, say, working
from workers.cli.session import Session, pass_session
from workers.cli.subscription import KeyKeeper, notification_url
from workers.sync.recover import DeliveryLog, recover_now

F = TypeVar("F", bound=Callable[..., Any])

_GRACE_S = 3600
_MOST_GRACE_S = 7 * 86_400


def _grace_option(command: F) -> F:
    return click.option(
        "--grace",
        "grace_s",
        metavar="SECONDS",
        type=click.IntRange(0, _MOST_GRACE_S),
        default=_GRACE_S,
        show_default=True,
        help="How long an old key stays valid; 0 where it leaked.",
    )(command)


@dataclass(frozen=True)
class _Work:
    """What the commands of one tenant's webhook need."""

    conn: Conn
    upstream: Subscriptions
    keeper: KeyKeeper
    find_log: Callable[[], DeliveryLog | None]
    dispatch_due: Callable[[], int]


@click.group(short_help="BILL's notifications for a tenant.")
def webhook() -> None:
    """Let BILL tell us at once when a vendor or bill changes."""


@webhook.command("subscribe", short_help="Let BILL notify us.")
@click.argument("tenant")
@_grace_option
@pass_session
def subscribe(session: Session, tenant: str, grace_s: int) -> None:
    """Subscribe to BILL's notifications for a tenant's vendors and bills.

    Needs PUBLIC_BASE_URL and the tenant's BILL credentials. Safe to repeat: an existing subscription
    for our address gets a new key and is switched on.

    \b
    Example:
      PUBLIC_BASE_URL=https://connector.example.com connector webhook subscribe acme-se
    """
    url = notification_url(session.settings.get_public_base_url(), tenant)
    with _locked(session, tenant) as work, working(f"subscribing to BILL for {tenant}"):
        done = subscriptions.subscribe(work.upstream, work.keeper, url, grace_s=grace_s)
    how = "subscribed" if done.is_new else "was subscribed already, its key is made anew"
    say(f"{tenant}: {how}; BILL delivers to {url} (subscription {done.subscription.id})")
    if done.missing_events:
        note(
            f"subscription {done.subscription.id} lacks {', '.join(done.missing_events)}: "
            "delete it in BILL and subscribe again"
        )


@webhook.command("rotate", short_help="Make a new security key.")
@click.argument("tenant")
@_grace_option
@pass_session
def rotate(session: Session, tenant: str, grace_s: int) -> None:
    """Make a new security key for a tenant's subscription.

    The old key stays valid for a while, for notifications already on their way.

    \b
    Example:
      connector webhook rotate acme-se
      connector webhook rotate acme-se --grace 0
    """
    with _locked(session, tenant) as work, working(f"rotating the key of {tenant}"):
        old = work.keeper.find()
        if old is None:
            raise UsageError(
                f"{tenant} has no usable webhook key: run `connector webhook subscribe {tenant}`"
            )
        subscriptions.rotate(work.upstream, work.keeper, old.subscription_id, old, grace_s=grace_s)
    ends = f"the old one ends in {grace_s} s" if grace_s else "the old one has ended"
    say(f"{tenant}: new key sealed; {ends}")


@webhook.command("status", short_help="Show what BILL delivers, and where.")
@click.argument("tenant")
@json_option
@pass_session
def status(session: Session, tenant: str, as_json: bool) -> None:
    """Show a tenant's subscription at BILL: where it delivers, and whether it is switched on.

    BILL's log of what it sent is compared with what arrived here since the last recovery, and a day
    before it.

    \b
    Example:
      connector webhook status acme-se
    """
    base_url = session.settings.public_base_url
    with _upstream(session, tenant) as work, working(f"asking BILL about {tenant}"):
        stored = work.keeper.find()
        found = work.upstream.fetch_all()
        url = None if base_url is None else notification_url(base_url, tenant)
        report = report_on(tenant, url, stored, found)
        report |= compare(work.conn, report, work.find_log() if report["has_key"] else None)
    if as_json:
        print_json(report)
    else:
        print_report(report)


@webhook.command("recover", short_help="Fetch what BILL could not deliver.")
@click.argument("tenant")
@json_option
@pass_session
def recover(session: Session, tenant: str, as_json: bool) -> None:
    """Switch delivery on if BILL switched it off, and fetch from BILL's log what never arrived.

    The workers do the same every hour by themselves.

    \b
    Example:
      connector webhook recover acme-se
    """
    with _upstream(session, tenant) as work, working(f"reading BILL's log for {tenant}"):
        log = work.find_log()
        if log is None:
            raise UsageError(
                f"{tenant} has no webhook subscription: run `connector webhook subscribe {tenant}`"
            )
        compared = recover_now(work.conn, log)
        work.dispatch_due()
    if as_json:
        shown = ("listed", "missing", "unreadable", "switched_on")
        print_json({"tenant": tenant, **{name: getattr(compared, name) for name in shown}})
        return
    if compared.switched_on:
        say(f"{tenant}: BILL had switched delivery off; it is on again")
    fetched = "fetched and on their way" if compared.missing else "nothing to fetch"
    say(f"{tenant}: {count(compared)}; {fetched}")
    if compared.unreadable:
        note(f"what cannot be read is kept: see `connector dead-letters list {tenant}`")


@contextmanager
def _locked(session: Session, tenant: str) -> Iterator[_Work]:
    """As :func:`_upstream`, one command at a time: two new keys at once would leave one unknown."""
    with _upstream(session, tenant) as work:
        if not try_lock_webhook(work.conn, tenant):
            raise UsageError(f"another command works on the webhook of {tenant}: wait until it is done")
        yield work


@contextmanager
def _upstream(session: Session, tenant: str) -> Iterator[_Work]:
    with session.database() as conn:
        config = get_tenant(conn, tenant).config
        with session.context() as context, naming(tenant):
            yield _Work(
                conn,
                context.subscriptions(config),
                KeyKeeper(conn, context.vault, tenant),
                lambda: context.find_delivery_log(config),
                lambda: context.dispatcher.dispatch_due(),
            )
