"""All measurements on one stage, in an order in which none disturbs another."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.bench.calls import measure_calls
from deploy.bench.figures import ratio
from deploy.bench.firm import Firm
from deploy.bench.memory import measure_memory
from deploy.bench.neighbour import measure_neighbour
from deploy.bench.processes import fleet_specs, running
from deploy.bench.scale import Scale
from deploy.bench.site import Site
from deploy.bench.throughput import measure_noop, measure_records
from deploy.bench.webhooks import measure_drain, measure_webhooks
from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from deploy.stage import Stage
from shared.clock import utc_now
from shared.settings import NAMES
from shared.store.pool import connect
from shared.store.progress import listen
from workers.wiring import Context

NOTE = (
    "Absolute figures are of this machine as busy as it was; compare figures of one run, and their ratios "
    "between runs."
)
_LOOPBACK = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
_STAYS_AWAY = {"worker": 0, "beat": 0, "flower": 0}


def bench_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of a real connector: the bench has servers of its own."""
    ours = {*NAMES, *(f"{name}_FILE" for name in NAMES), "DYNO"}
    return {name: text for name, text in environ.items() if name not in ours} | _LOOPBACK


def run_bench(
    scale: Scale, home: Path, log_dir: Path, environ: Mapping[str, str], say: Callable[[str], None]
) -> Json:
    """Measure everything; what goes into the file. Raises ConnectorError or ControlError."""
    started, load_before = time.monotonic(), os.getloadavg()[0]
    with _site(scale, Stage(home, log_dir, environ, _STAYS_AWAY), say) as site:
        result = _measure(site)
    return {
        "made_at": utc_now().isoformat(timespec="seconds"),
        "scale": scale.name,
        "note": NOTE,
        "machine": {
            "cpus": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "load_before": round(load_before, 2),
        },
        "seconds": round(time.monotonic() - started, 1),
        **result,
    }


@contextmanager
def _site(scale: Scale, stage: Stage, say: Callable[[str], None]) -> Iterator[Site]:
    say("starting the fleet beside the simulated systems")
    with stage, stage.control as control:
        settings = stage.composition.settings
        context = Context(settings, worker_name="bench")
        try:
            with connect(settings.database_url, name="bench") as conn:
                listen(conn)
                yield Site(stage, control, context, conn, scale, say)
        finally:
            context.close()


def _measure(site: Site) -> Json:
    scale = site.scale
    firms = [Firm(number) for number in range(1, scale.tenants + 1)]
    for firm in firms:
        site.enroll(firm, subscribed=True)
    with site.unheard(firms[0]):
        vendor = site.control.create_vendor(firms[0].organization, seeds.vendor(seeds.SWEDEN, 50))
    site.say("accepting webhooks, with no worker, beside a bare Flask route")
    webhooks, bare = measure_webhooks(site, firms[0], {**vendor, "updatedTime": _OLD})
    site.say("running Celery tasks that do nothing")
    noop = measure_noop(site)
    with running(site.stage, *fleet_specs(site.stage, "worker", "beat")) as fleet:
        site.worker = fleet.pid("worker")
        drain = measure_drain(site, firms[0], webhooks["requests"])
        rest = _measure_fleet(site, firms, noop["per_s"])
    return {
        "webhooks": webhooks,
        "bare_flask": bare,
        "drain": drain,
        "noop_task": noop,
        **rest,
        "memory": measure_memory(site),
    }


def _measure_fleet(site: Site, firms: list[Firm], noop_per_s: float) -> Json:
    scale, slots = site.scale, site.stage.composition.settings.worker_concurrency
    site.wait_polled()
    site.warm_up(firms)
    records = []
    for label, group, each, latency_s in (
        ("one", firms[:1], scale.records, 0.0),
        ("many", firms, scale.records_each, 0.0),
        ("slow-one", firms[:1], scale.slow_records, scale.latency_s),
        ("slow-many", firms, scale.slow_records_each, scale.latency_s),
    ):
        site.say(f"syncing {each * len(group)} records of {len(group)} at {latency_s * 1000:.0f} ms")
        entry = measure_records(site, group, label, each, latency_s)
        entry |= {"slots": slots, "share_of_noop": ratio(entry["per_s"], noop_per_s)}
        records.append(entry)
    site.say("counting calls")
    calls = measure_calls(site, firms[1])
    site.say("syncing one tenant's bills while another backfills")
    neighbour = measure_neighbour(site, firms[0], firms[1])
    return {"records": records, "calls": calls, "neighbour": neighbour}


_OLD = "2026-01-02T00:00:00.000+00:00"
"""Before any list shows the vendor: nothing is to be done for such a notification but to keep it."""
