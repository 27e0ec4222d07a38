"""``connector link``: a person says which supplier a vendor is."""

from __future__ import annotations

import getpass
from typing import Final

import click

from shared.store.tenants import get_tenant
from workers.cli.errors import naming
from workers.cli.output import say, working
from workers.cli.session import Session, pass_session
from workers.sync.link import HandLink, Linker

_NOBODY: Final = "command line"


@click.command(short_help="Tie a vendor to a supplier by hand.")
@click.argument("tenant")
@click.argument("vendor_id")
@click.argument("supplier_number")
@pass_session
def link(session: Session, tenant: str, vendor_id: str, supplier_number: str) -> None:
    """Tie a vendor in BILL to a supplier in Visma by hand, and free what waited for it.

    For a vendor that is held because no supplier, or more than one, could be it; also to correct a
    wrong link: the vendor's documents in Visma then move as far as they are not released. The link
    stays, whatever the vendor and the supplier are called later.

    \b
    Example:
      connector link acme-se 00901EXAMPLE 50002
    """
    with session.database() as conn:
        row = get_tenant(conn, tenant)
        with session.context() as context, naming(tenant), working(f"{tenant}: linking {vendor_id}"):
            linker = Linker(
                row.config, conn, context.bill(row.config), context.visma(row.config), context.clock
            )
            done = linker.link(vendor_id.strip(), supplier_number.strip(), by=find_operator())
            if row.is_active:
                context.dispatcher.dispatch(done.due)
    say(_describe(tenant, vendor_id, done))
    if not row.is_active:
        say(f"{tenant} is paused or suspended: it is carried out once work goes on")


def find_operator() -> str:
    """Who runs the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return _NOBODY


def _describe(tenant: str, vendor_id: str, done: HandLink) -> str:
    bills = {0: "", 1: "; 1 bill that waited for it goes on"}
    waiting = bills.get(done.waiting, f"; {done.waiting} bills that waited for it go on")
    supplier = f"{done.supplier.number} ({done.supplier.name})"
    return f"{tenant}: vendor {vendor_id} ({done.vendor_label}) is supplier {supplier}{waiting}"
