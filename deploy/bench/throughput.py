"""Records synced a second, end to end, beside a Celery task that does nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis import Redis

from deploy.bench.figures import milliseconds, rate
from deploy.bench.firm import Firm
from deploy.bench.noop import TASK
from deploy.bench.processes import noop_worker, running
from deploy.bench.site import BenchError, Site
from deploy.sandbox.jsonio import Json
from shared import queues

_LOOK_AGAIN_S = 0.01
_UNACKED = "unacked"


def measure_noop(site: Site) -> Json:
    """No-op tasks a second, from the first one sent to the last one done."""
    spec, url = noop_worker(site.stage)
    count = site.scale.noop_tasks
    sender = queues.make_producer(url)
    with running(site.stage, spec) as worker, Redis.from_url(url) as redis:
        site.worker = worker.pid("noop")
        sender.send_task(TASK)
        _wait_empty(redis, site.scale.patience_s)
        started, cpu_s = time.monotonic(), site.measure_cpu_s()
        for _ in range(count):
            sender.send_task(TASK)
        _wait_empty(redis, site.scale.patience_s)
        seconds, cpu_s = time.monotonic() - started, site.measure_cpu_s() - cpu_s
    sender.close()
    return {"tasks": count, "per_s": rate(count, seconds), "cpu_ms": milliseconds(cpu_s / count)}


def measure_records(site: Site, firms: Sequence[Firm], label: str, each: int, latency_s: float) -> Json:
    """Bills synced a second, from the first one entered in BILL to the last one seen in Visma."""
    before = {firm.id: site.count_invoices(firm) for firm in firms}
    with site.latency(latency_s):
        started, cpu_s = time.monotonic(), site.measure_cpu_s()
        for firm in firms:
            site.make_bills(firm, label, each)
        for firm in firms:
            site.wait_invoices(firm, before[firm.id] + each)
        seconds = time.monotonic() - started
        site.wait_idle(firms)
        cpu_s = site.measure_cpu_s() - cpu_s
    count = each * len(firms)
    return {
        "tenants": len(firms),
        "records": count,
        "latency_ms": round(latency_s * 1000),
        "per_s": rate(count, seconds),
        "cpu_ms": milliseconds(cpu_s / count),
    }


def _wait_empty(redis: Redis, patience_s: float) -> None:
    """Wait until nothing is queued and nothing is unacknowledged; seen twice, for a message in between."""
    end, seen = time.monotonic() + patience_s, 0
    while seen < 2:
        if time.monotonic() > end:
            raise BenchError("the no-op tasks did not come to an end")
        pipe = redis.pipeline()
        pipe.llen(queues.CONTROL)
        pipe.hlen(_UNACKED)
        seen = 0 if any(pipe.execute()) else seen + 1
        time.sleep(_LOOK_AGAIN_S)
