"""Calls to each system for every new and every changed record, as the simulated systems counted them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Final

from deploy.bench.figures import per_record
from deploy.bench.firm import Firm
from deploy.bench.site import Site
from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from shared.bill.models import Kind
from shared.store.watermarks import poll_now

WAYS: Final = ("webhook", "poll")
Edit = tuple[Sequence[str], str]
"""Ids of edited records, and the time since which they are as they are now."""

_LONG_AGO = "2000-01-01T00:00:00+00:00"


def measure_calls(site: Site, firm: Firm) -> list[Json]:
    """One entry for each kind of record, new and changed, by webhook and by poll."""
    found = []
    for way in WAYS:
        vendors, entry = _count(site, firm, way, "vendor", "new", partial(_enter_vendors, site, firm, way))
        found.append(entry)
        change = partial(_change_vendors, site, firm, vendors)
        found.append(_count(site, firm, way, "vendor", "changed", change)[1])
        bills, entry = _count(site, firm, way, "bill", "new", partial(_enter_bills, site, firm, way))
        found.append(entry)
        change = partial(_change_bills, site, firm, bills)
        found.append(_count(site, firm, way, "bill", "changed", change)[1])
    return found


def _count(
    site: Site, firm: Firm, way: str, kind: Kind, what: str, edit: Callable[[], Edit]
) -> tuple[Sequence[str], Json]:
    """The edited records, and what making them true in Visma took."""
    before = site.count_calls(firm)
    with site.unheard(firm) if way == "poll" else nullcontext():
        ids, since = edit()
    if way == "poll":
        poll_now(site.conn, firm.id, source="bill")
    site.wait_synced(firm, kind, ids, since)
    site.wait_polled()
    calls = per_record(before, site.count_calls(firm), len(ids))
    return ids, {"kind": kind, "what": what, "by": way, "records": len(ids), **calls}


def _enter_vendors(site: Site, firm: Firm, way: str) -> Edit:
    first = 100 * (1 + WAYS.index(way))
    vendors = [seeds.vendor(seeds.SWEDEN, first + place) for place in range(site.scale.counted)]
    return site.control.create_many(firm.organization, vendors=vendors)["vendors"], _LONG_AGO


def _change_vendors(site: Site, firm: Firm, ids: Sequence[str]) -> Edit:
    """A new address: BILL notifies of few kinds of changes (BILL reference: events)."""
    changed = [
        site.control.change_vendor(firm.organization, vendor_id, address=_address(place))
        for place, vendor_id in enumerate(ids)
    ]
    return ids, str(changed[0]["updatedTime"])


def _enter_bills(site: Site, firm: Firm, way: str) -> Edit:
    return site.make_bills(firm, f"by-{way}", site.scale.counted), _LONG_AGO


def _change_bills(site: Site, firm: Firm, ids: Sequence[str]) -> Edit:
    """A corrected invoice number."""
    changed = [
        site.control.change_bill(
            firm.organization,
            bill_id,
            invoice={"invoiceNumber": f"corrected-{bill_id}", "invoiceDate": "2026-10-31"},
        )
        for bill_id in ids
    ]
    return ids, str(changed[0]["updatedTime"])


def _address(place: int) -> Json:
    address: Json = seeds.vendor(seeds.SWEDEN)["address"]
    return {**address, "line1": f"Nya gatan {place + 1}"}
