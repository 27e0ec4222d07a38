"""What beat sends. A tick that comes late, twice or from two beats at once does no harm."""

from __future__ import annotations

from typing import Any

from shared import queues

TICK_S = 1.0


def beat_schedule() -> dict[str, dict[str, Any]]:
    """One small task, every second; a tick nobody took before the next is void."""
    return {"tick": {"task": queues.TICK, "schedule": TICK_S, "options": {"expires": 2 * TICK_S}}}
