"""How much is measured: everything is bounded in count and in time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Counts of one run, the same whatever the machine.

    ``records`` of one tenant and ``records_each`` of every one of ``tenants`` are synced at full speed,
    ``slow_records`` and ``slow_records_each`` at ``latency_s`` of upstream latency. ``poll_sizes`` are the
    records of the two polls whose memory is compared; the larger is made smaller where walking it
    twice would take longer than ``poll_s``.
    """

    name: str
    rounds: int
    webhooks: int
    connections: int
    noop_tasks: int
    tenants: int
    records: int
    records_each: int
    slow_records: int
    slow_records_each: int
    counted: int
    backfill: int
    samples: int
    poll_sizes: tuple[int, int]
    poll_s: float
    latency_s: float = 0.1
    patience_s: float = 90.0


FULL = Scale(
    name="full",
    rounds=3,
    webhooks=1500,
    connections=16,
    noop_tasks=1000,
    tenants=20,
    records=300,
    records_each=15,
    slow_records=60,
    slow_records_each=15,
    counted=10,
    backfill=10_000,
    samples=15,
    poll_sizes=(10_000, 200_000),
    poll_s=120.0,
)
QUICK = Scale(
    name="quick",
    rounds=2,
    webhooks=500,
    connections=16,
    noop_tasks=500,
    tenants=20,
    records=60,
    records_each=3,
    slow_records=30,
    slow_records_each=3,
    counted=5,
    backfill=100,
    samples=5,
    poll_sizes=(1_000, 5_000),
    poll_s=30.0,
)
