"""How a worker ends: as soon as its tasks have ended, and in time in any case.

Celery's own soft shutdown sleeps its whole timeout when any task runs at that moment, in a signal handler
that keeps the worker from seeing the tasks end. So a warm shutdown is asked for, which ends with the last
task; what still runs after ``GRACE_S`` is given back to the queue by a cold one.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any, Final

GRACE_S: Final = 25.0
"""Less than what platforms give a process before they kill it (30 s on Heroku)."""


def end_in_time(how: str, **_: Any) -> None:
    """Celery's signal ``worker_shutting_down``: begin the countdown to a cold shutdown."""
    if how == "Warm":
        timer = threading.Timer(GRACE_S, os.kill, (os.getpid(), signal.SIGQUIT))
        timer.daemon = True
        timer.start()
