"""Peak memory of a worker's pool process while it polls records that did not change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType

import psutil

from deploy.bench.figures import choose_size, megabytes, rate
from deploy.bench.firm import Firm
from deploy.bench.processes import fleet_specs, running
from deploy.bench.site import BenchError, Site
from deploy.sandbox import seeds
from deploy.sandbox.jsonio import Json
from shared.clock import utc_now
from shared.store.pool import Conn
from shared.store.watermarks import find_watermark, poll_now

_CHUNK = 2000
_PAGE = 100
_A_DAY_S = 86_400
_SAMPLE_S = 0.02
_LOOK_AGAIN_S = 0.05
_FIRST_NUMBER = 900
_PATIENCE_S = 400.0


def measure_memory(site: Site) -> Json:
    """A poll over few and one over many records, each by a worker of its own with one pool process."""
    small, large = site.scale.poll_sizes
    first = _measure(site, Firm(_FIRST_NUMBER), small)
    pace = 1 / (1 / first["first_per_s"] + 1 / first["per_s"])
    second = _measure(site, Firm(_FIRST_NUMBER + 1), choose_size(large, small, pace, site.scale.poll_s))
    return {
        "polls": [first, second],
        "wanted": large,
        "growth_mb": round(second["peak_mb"] - first["peak_mb"], 1),
    }


def _measure(site: Site, firm: Firm, count: int) -> Json:
    """Poll ``count`` records twice: when all of them are new, and, watched, when none of them is."""
    site.say(f"polling {count:,} records")
    visma_tenant = _fill(site, firm, count)
    settings = {"WORKER_CONCURRENCY": "1"}
    specs = fleet_specs(site.stage, "worker", "beat", settings=settings)
    with running(site.stage, *specs) as fleet:
        with _born_done(site.conn):
            began_at = utc_now()
            firm.enroll(site.conn, site.context.vault, site.stage.addresses, visma_tenant)
            first_s = _wait_walk(site, firm, began_at)
        before = _count_calls(site, firm)
        began_at = utc_now()
        with _PeakSampler(_pool_of(fleet.pid("worker"))) as memory:
            poll_now(site.conn, firm.id, source="bill")
            seconds = _wait_walk(site, firm, began_at)
        pages = _count_calls(site, firm) - before
    if pages < count // _PAGE:
        raise BenchError(f"a poll over {count} records took only {pages} calls")
    return {
        "records": count,
        "rest_mb": megabytes(memory.rest),
        "peak_mb": megabytes(memory.peak),
        "first_per_s": rate(count, first_s),
        "per_s": rate(count, seconds),
    }


def _fill(site: Site, firm: Firm, count: int) -> str:
    """Enter so many vendors in BILL yesterday; the company's tenant id at Visma Connect."""
    site.control.advance_clock(-_A_DAY_S)
    visma_tenant = firm.found(site.control)
    for start in range(0, count, _CHUNK):
        places = range(start, min(start + _CHUNK, count))
        vendors = [seeds.vendor(seeds.SWEDEN, place) for place in places]
        site.control.create_many(firm.organization, vendors=vendors)
    site.control.reset_clock()
    return visma_tenant


@contextmanager
def _born_done(conn: Conn) -> Iterator[None]:
    """Let new rows be done already: the walk is measured, not the work on what it finds."""
    conn.execute("ALTER TABLE records ALTER done SET DEFAULT 1")
    try:
        yield
    finally:
        conn.execute("ALTER TABLE records ALTER done SET DEFAULT 0")


def _wait_walk(site: Site, firm: Firm, began_at: datetime) -> float:
    """Seconds from the beginning of the first whole walk over vendors since ``began_at`` to its end."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        row = find_watermark(site.conn, firm.id, "bill", "vendor")
        if row is not None and row["last_complete_at"] is not None and row["last_complete_at"] > began_at:
            return float((utc_now() - row["last_complete_at"]).total_seconds())
        time.sleep(_LOOK_AGAIN_S)
    raise BenchError(f"the poll of {firm.id} did not end within {_PATIENCE_S:.0f} s")


def _count_calls(site: Site, firm: Firm) -> int:
    return site.control.count_calls(system="bill", tenant=firm.organization, method="GET")


def _pool_of(worker: int | None) -> list[psutil.Process]:
    found = psutil.Process(worker).children() if worker is not None else []
    if not found:
        raise BenchError("the worker has no pool process")
    return found


class _PeakSampler:
    """Watches the resident memory of processes while the block runs: ``rest`` before, ``peak`` during."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.rest = self.peak = self._measure()

    def __enter__(self) -> _PeakSampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.peak = max(self.peak, self._measure())

    def _measure(self) -> int:
        """Of the largest of them, in bytes."""
        sizes = [0]
        for process in self._processes:
            with suppress(psutil.NoSuchProcess):  # the pool may replace one when its task is done
                sizes.append(process.memory_info().rss)
        return max(sizes)
