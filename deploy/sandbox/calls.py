"""The book of calls: how often, how many at once, and which limits were overrun."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.sandbox.clock import Clock, iso_utc
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Call

_RECENT = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """What calls are counted by. ``status`` 0 is a connection dropped without an answer."""

    system: str
    tenant: str | None
    method: str
    template: str
    status: int


class CallBook:
    """Counts every call; resettable, so that a test counts its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Forget counts, maxima and violations; requests in flight stay known."""
        self.counts: Counter[Line] = Counter()
        self.most: dict[str, int] = {}
        self.violations: list[Json] = []
        self.recent: deque[tuple[Call, int]] = deque(maxlen=_RECENT)

    @contextmanager
    def in_flight(self, call: Call) -> Iterator[int]:
        """Holds the call as running; gives how many run for its organization or company, it included."""
        place = concurrency_key(call)
        places = (place,) if call.method == "GET" else (place, f"{place}:writes")
        for key in places:
            self._now[key] += 1
            self.most[key] = max(self._now[key], self.most.get(key, 0))
        try:
            yield self._now[place]
        finally:
            for key in places:
                self._now[key] -= 1

    def count(self, call: Call, status: int) -> None:
        """Note a finished call."""
        self.counts[Line(call.system, call.tenant, call.method, call.template, status)] += 1
        self.recent.append((call, status))

    def overrun(self, call: Call, limit: str) -> None:
        """Note that a caller went over a limit of the real system."""
        self.violations.append(
            {"at": iso_utc(self._clock.now()), "limit": limit, "system": call.system, "tenant": call.tenant}
        )

    def report(self) -> Json:
        """Everything counted so far."""
        lines = [
            {
                "system": line.system,
                "tenant": line.tenant,
                "method": line.method,
                "route": line.template,
                "status": line.status,
                "count": count,
            }
            for line, count in self.counts.items()
        ]
        return {
            "total": sum(self.counts.values()),
            "lines": lines,
            "most_at_once": dict(self.most),
            "violations": list(self.violations),
        }

    def last(self) -> list[Json]:
        """The last calls one by one, oldest first."""
        return [
            {
                "at": iso_utc(call.received_at),
                "system": call.system,
                "tenant": call.tenant,
                "method": call.method,
                "path": call.path,
                "query": dict(call.query),
                "status": status,
            }
            for call, status in self.recent
        ]

    def total(self, wanted: Json) -> int:
        """How many calls agree with every key of ``wanted`` (system, tenant, method, route, status)."""
        keys = {"route": "template"}
        fields = {keys.get(name, name): value for name, value in wanted.items()}
        return sum(
            count
            for line, count in self.counts.items()
            if all(str(getattr(line, name)) == str(value) for name, value in fields.items())
        )


def concurrency_key(call: Call) -> str:
    """BILL counts requests at once per organization over both of its hosts; Visma per company."""
    system = "bill" if call.system == "events" else call.system
    return f"{system}:{call.tenant or '-'}"
