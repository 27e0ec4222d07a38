"""What goes wrong, and when: worked out from a seed alone, so that a seed repeats it. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.sandbox.jsonio import Json

FROZEN_S = 62.0
"""How long a frozen worker sleeps: longer than a claim lasts (60 s), so that it wakes without one."""

BLOWS = (
    "kill_web",
    "kill_worker",
    "kill_slot",
    "kill_beat",
    "end_worker",
    "freeze_worker",
    "restart_redis",
    "kill_redis",
    "empty_redis",
    "restart_postgres",
    "kill_postgres",
    "outage",
)
"""What a monkey can do; each is done at least once in every run."""

SETTINGS: tuple[Mapping[str, Any], ...] = (
    {},
    {"release_invoices": True},
    {"attachments": True, "archived_vendors": "on_hold"},
)
"""The ``sync`` tables of the tenants, in turn."""

FIRST_BLOW_S = 1.5
CALM_S = 3.0
"""The last part of the storm, without blows."""

PLACES = (("bill", "GET"), ("visma", "GET"), ("visma", "POST"), ("visma", "PUT"))
REFUSALS = ("Kontakta din återförsäljare.", "Ett oväntat fel inträffade.")
"""What Visma says now and then instead of what it should: before the effect and after it."""

ANY_CALL: tuple[Json, ...] = (
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 500, "message": REFUSALS[0]},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 500, "when": "after", "message": REFUSALS[1]},
    {"kind": "drop", "when": "before"},
    {"kind": "drop", "when": "after"},
    {"kind": "drip", "chunk_bytes": 200, "gap_s": 0.02},
    {"kind": "truncate", "keep_bytes": 40},
    {"kind": "latency", "seconds": 0.3, "jitter_s": 0.6},
    {"kind": "latency", "seconds": 0.3, "jitter_s": 0.6, "when": "after"},
)
"""Answers lost, late, broken and unkind, by chance at every call."""

LATE = {"kind": "late", "seconds": 1.5, "hold_s": 0.3}
"""The other side goes on with a request whose client has given up."""

RARE: tuple[tuple[str, str | None, Json], ...] = (
    ("visma", None, {"kind": "expire"}),
    ("bill", None, {"kind": "expire"}),
    ("visma", None, {"kind": "status", "status": 401}),
    ("visma", None, {"kind": "status", "status": 429, "retry_after": 2}),
    ("visma", None, {"kind": "status", "status": 429}),
    ("bill", None, {"kind": "status", "status": 429, "code": "BDC_1144", "retry_after": 2}),
    ("bill", None, {"kind": "status", "status": 400, "code": "BDC_1144", "retry_after": 2}),
    ("bill", None, {"kind": "status", "status": 429, "code": "BDC_1322"}),
    ("visma", "PUT", {"kind": "race", "change": {"paymentRefNo": "OCR 4711"}}),
)
"""Few of each: a session or token that ends, limits, and people who edit at the same moment."""

HOOKS: tuple[tuple[float, Json], ...] = (
    (0.2, {"kind": "drop_hook"}),
    (0.3, {"kind": "repeat_hook", "copies": 2}),
    (0.3, {"kind": "delay_hook", "seconds": 0.8}),
    (0.3, {"kind": "reorder_hooks", "count": 8}),
)
"""Notifications lost, repeated, late and out of order, with how likely each is."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run is. ``storm_s``: how long people and monkeys are at it; ``faults``: share of calls."""

    tenants: int = 3
    bills: int = 1000
    vendors: int = 60
    hours: int = 8
    workers: int = 3
    storm_s: float = 60.0
    blows: int = 18
    faults: float = 0.06


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that a monkey does at ``at_s`` from the start; ``place`` chooses among what there is."""

    at_s: float
    kind: str
    place: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, whole: ``faults`` by tenant as ``add_fault`` takes them."""

    seed: int
    size: Size
    blows: tuple[Blow, ...]
    faults: Sequence[Sequence[Mapping[str, Any]]] = field(repr=False)

    def tell(self) -> str:
        """What will be done, a line each."""
        lines = [f"{blow.at_s:6.1f} s  {blow.kind} {blow.place}" for blow in self.blows]
        return "\n".join([f"seed {self.seed}, {self.size}", *lines])


def make_plan(seed: int, size: Size) -> Plan:
    """The plan of a seed; the same one every time."""
    dice = random.Random(seed)
    return Plan(
        seed,
        size,
        tuple(sorted(_blows(dice, size), key=lambda blow: blow.at_s)),
        [list(_faults(dice, size)) for _ in range(size.tenants)],
    )


def _blows(dice: random.Random, size: Size) -> Iterator[Blow]:
    """Each kind once, the rest at random; a worker is frozen once, and early, since it sleeps so long."""
    others = [kind for kind in BLOWS if kind != "freeze_worker"]
    kinds = dice.sample(others, len(others)) + dice.choices(others, k=max(0, size.blows - len(BLOWS)))
    last_s = size.storm_s - CALM_S
    for kind in kinds[: max(0, size.blows - 1)]:
        yield Blow(round(dice.uniform(FIRST_BLOW_S, last_s), 2), kind, dice.randrange(100))
    if size.blows:
        yield Blow(round(dice.uniform(FIRST_BLOW_S, last_s / 4), 2), "freeze_worker", dice.randrange(100))


def _faults(dice: random.Random, size: Size) -> Iterator[Mapping[str, Any]]:
    """The rules of one tenant: their seeds are the plan's too."""
    if not size.faults:
        return
    for system, method in PLACES:
        chosen = dice.sample(ANY_CALL, 4)
        chosen += [LATE] if method == "POST" else []
        for action in chosen:
            chance = {"probability": size.faults / len(chosen), "times": None, "seed": dice.randrange(10**6)}
            yield {"system": system, "method": method, **action, **chance}
    for rare_system, rare_method, action in RARE:
        times = {"skip": dice.randrange(60), "times": dice.randint(1, 2)}
        yield {"system": rare_system, "method": rare_method, **action, **times}
    for probability, action in HOOKS:
        yield {**action, "probability": probability, "times": None, "seed": dice.randrange(10**6)}
