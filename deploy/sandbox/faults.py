"""Rules that spoil requests or notifications: which ones, how often, and what happens to them."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from deploy.sandbox.jsonio import Json

CALL_ACTIONS = {
    "latency": {"seconds", "jitter_s", "when"},
    "status": {"status", "when", "shape", "code", "message", "retry_after", "headers"},
    "expire": set(),
    "drop": {"when"},
    "late": {"seconds", "hold_s"},
    "drip": {"chunk_bytes", "gap_s"},
    "truncate": {"keep_bytes"},
    "race": {"change"},
    "empty_page": set(),
    "expire_cursor": set(),
}
"""What can happen to a request, with the settings each takes."""

HOOK_ACTIONS = {
    "drop_hook": set(),
    "repeat_hook": {"copies"},
    "delay_hook": {"seconds"},
    "reorder_hooks": {"count"},
    "disable_hook": set(),
    "shape_hook": {"form"},
}
"""What can happen to a webhook notification."""

SHAPES = frozenset(
    {"array", "object", "no_code", "business", "message", "model", "legacy", "text", "html", "empty"}
)
"""Body shapes of a ``status`` fault: BILL's first three, Visma's next four, and what both can send."""

_DECIDING = frozenset({"status", "drop", "late", "drip", "truncate"})
_MATCH_KEYS = {"system", "tenant", "method", "route", "body"}
_RULE_KEYS = {"match", "action", "skip", "times", "probability", "seed", "id"}


class BadRule(ValueError):
    """A fault rule that says something unknown; the message names it."""


@dataclass(slots=True)
class Match:
    """Which requests a rule speaks of; what is None matches everything."""

    system: str | None = None
    tenant: str | None = None
    method: str | None = None
    route: re.Pattern[str] | None = None
    body: re.Pattern[str] | None = None

    def agrees(self, system: str, tenant: str | None, method: str, route: str, body: bytes) -> bool:
        """Whether a request, or a notification (``route`` is then the event type), is meant."""
        return (
            self.system in (None, system)
            and self.tenant in (None, tenant)
            and self.method in (None, method)
            and (self.route is None or self.route.search(route) is not None)
            and (self.body is None or self.body.search(body.decode("utf-8", "replace")) is not None)
        )


@dataclass(slots=True)
class Rule:
    """One fault. After ``skip`` matches it applies ``times`` times (None: always), each by chance."""

    id: str
    match: Match
    action: Json
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    seen: int = 0
    applied: int = 0

    def strikes(self) -> bool:
        """Count one match and say whether the rule applies to it."""
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.applied >= self.times):
            return False
        if self.probability < 1 and self.dice.random() >= self.probability:
            return False
        self.applied += 1
        return True

    def as_json(self) -> Json:
        """What the control interface shows."""
        return {"id": self.id, "action": self.action, "seen": self.seen, "applied": self.applied}


class FaultBook:
    """The rules in force, in the order they were added; the first is the outermost."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self._next = 1

    def add(self, spec: Json) -> Rule:
        """Add a rule as the control interface sends it; raises BadRule."""
        rule = parse_rule(spec, f"fault-{self._next}")
        self._next += 1
        self.rules[rule.id] = rule
        return rule

    def strike(
        self, system: str, tenant: str | None, method: str, route: str, body: bytes = b""
    ) -> list[Rule]:
        """The rules that apply to this one request or notification, and now count as applied.

        At most one of them decides the answer; rules it leaves no part in wait for a later request.
        """
        found: list[Rule] = []
        decided = False
        for rule in self.rules.values():
            decides = rule.action["kind"] in _DECIDING
            if (decides and decided) or not rule.match.agrees(system, tenant, method, route, body):
                continue
            if rule.strikes():
                found.append(rule)
                decided = decided or decides
                if _prevents_the_effect(rule.action):
                    break
        return found


def _prevents_the_effect(action: Json) -> bool:
    default = {"status": "before", "drop": "after", "late": "before"}.get(action["kind"])
    return default is not None and action.get("when", default) == "before"


def parse_rule(spec: Json, default_id: str) -> Rule:
    """Check and build one rule; raises BadRule that names what is wrong."""
    _refuse_unknown(spec, _RULE_KEYS, "rule")
    match_spec = spec.get("match", {})
    _refuse_unknown(match_spec, _MATCH_KEYS, "match")
    action = spec.get("action", {})
    known = CALL_ACTIONS | HOOK_ACTIONS
    if action.get("kind") not in known:
        raise BadRule(f"unknown action kind: {action.get('kind')!r}")
    _refuse_unknown(action, known[action["kind"]] | {"kind"}, "action")
    if action.get("shape") not in (None, *SHAPES):
        raise BadRule(f"unknown shape: {action['shape']!r}")
    return Rule(
        id=str(spec.get("id", default_id)),
        match=_parse_match(match_spec, action["kind"]),
        action=action,
        skip=int(spec.get("skip", 0)),
        times=None if spec.get("times") is None else int(spec["times"]),
        probability=float(spec.get("probability", 1)),
        dice=random.Random(spec.get("seed", 1)),  # noqa: S311 - chance in tests, repeatable
    )


def _parse_match(spec: Json, kind: str) -> Match:
    system = "webhook" if kind in HOOK_ACTIONS else spec.get("system")
    return Match(
        system=system,
        tenant=spec.get("tenant"),
        method=spec.get("method"),
        route=_pattern(spec.get("route")),
        body=_pattern(spec.get("body")),
    )


def _pattern(text: Any) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(str(text))
    except re.error as error:
        raise BadRule(f"not a regular expression: {text!r}") from error


def _refuse_unknown(spec: Any, known: set[str], where: str) -> None:
    if not isinstance(spec, dict):
        raise BadRule(f"{where} must be an object")
    unknown = sorted(set(spec) - known)
    if unknown:
        raise BadRule(f"unknown key in {where}: {', '.join(unknown)}")
