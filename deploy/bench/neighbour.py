"""How long a tenant waits for its bill while another one backfills."""

from __future__ import annotations

import time

from deploy.bench.figures import ratio, spread
from deploy.bench.firm import Firm
from deploy.bench.site import Site
from deploy.sandbox.jsonio import Json
from shared.store.tenants import set_paused
from shared.store.watermarks import begin_backfill


def measure_neighbour(site: Site, busy: Firm, waiting: Firm) -> Json:
    """From a bill entered in BILL to its invoice in Visma, one at a time: quiet, then beside a backfill."""
    before = site.count_invoices(busy)
    with site.unheard(busy):
        site.make_bills(busy, "backfill", site.scale.backfill)
    with site.latency(site.scale.latency_s):
        quiet = _sample(site, waiting, "quiet")
        begin_backfill(site.conn, busy.id, None)
        site.wait_invoices(busy, before + 1)
        beside = _sample(site, waiting, "beside")
        carried = site.count_invoices(busy) - before
    set_paused(site.conn, busy.id, paused=True)
    return {
        "latency_ms": round(site.scale.latency_s * 1000),
        "samples": site.scale.samples,
        "quiet": spread(quiet),
        "beside_backfill": spread(beside),
        "times_quiet": ratio(spread(beside)["p50_ms"], spread(quiet)["p50_ms"]),
        "backfill": site.scale.backfill,
        "backfilled_meanwhile": carried,
        "backfill_lasted": carried < site.scale.backfill,
    }


def _sample(site: Site, firm: Firm, label: str) -> list[float]:
    found = []
    for number in range(site.scale.samples):
        count = site.count_invoices(firm)
        started = time.monotonic()
        site.make_bills(firm, f"{label}-{number}", 1)
        site.wait_invoices(firm, count + 1)
        found.append(time.monotonic() - started)
    return found
