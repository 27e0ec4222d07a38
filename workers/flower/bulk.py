"""Replaying or discarding many dead letters: one piece of work at a time, beside the pages.

It lives in this process. Each letter is settled by itself, so one that Flower's end cuts short leaves
some letters settled and the others open; whoever looks again sees which.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from shared import logs
from shared.errors import UsageError
from shared.store import letter_pages
from shared.store.letter_pages import PAGE_SIZE, LetterFilter
from shared.store.pool import Conn
from workers.cli.errors import explain
from workers.flower.letter_detail import send
from workers.flower.page import Desk
from workers.sync.replay import discard_letter, replay_letter
from workers.wiring import Context

log = logs.get_logger(__name__)

What = Literal["replay", "discard"]
MOST_REFUSED = 100
"""So many refusals are kept with their reasons; the others are counted."""
KEPT_JOBS = 20


@dataclass
class Job:
    """One piece of work on many letters, and how far it is."""

    what: What
    by: str
    why: str
    ids: list[int] | None
    chosen: LetterFilter
    total: int
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    settled: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    refused_count: int = 0
    error: str | None = None

    @property
    def done(self) -> int:
        """How many letters were tried."""
        return len(self.settled) + self.refused_count

    def letters(self, conn: Conn) -> Iterator[int]:
        """The letters to settle: those named, else all that match and were there at the start."""
        if self.ids is not None:
            yield from self.ids
            return
        newest = letter_pages.list_page(conn, self.chosen, most=1)
        below = newest[0]["id"] + 1 if newest else 0
        while rows := letter_pages.list_page(conn, self.chosen, below=below, most=PAGE_SIZE):
            yield from (row["id"] for row in rows)
            below = rows[-1]["id"]

    def settle(self, desk: Desk, letter_id: int) -> None:
        """Settle one letter; a refusal is noted."""
        try:
            if self.what == "replay":
                due = replay_letter(desk.conn, letter_id, by=self.by).due
            else:
                due = discard_letter(desk.conn, letter_id, by=self.by, why=self.why)
        except UsageError as error:
            self.refused_count += 1
            if len(self.refused) < MOST_REFUSED:
                self.refused.append((letter_id, str(error)))
            return
        self.settled.append(letter_id)
        send(desk, due)


class Jobs:
    """The jobs of this process, the newest last; one runs at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, context: Context, job: Job) -> None:
        """Begin a job in a thread of its own. Raises UsageError while another one runs."""
        with self._lock:
            running = next((one for one in self._kept.values() if one.ended_at is None), None)
            if running is not None:
                raise UsageError(
                    f"{running.by} is working on {running.total} dead letters: wait until that is done"
                )
            self._kept[job.id] = job
            while len(self._kept) > KEPT_JOBS:
                self._kept.popitem(last=False)
        # A daemon, so that it never keeps Flower from ending.
        threading.Thread(target=_run, args=(context, job), name=f"bulk-{job.id}", daemon=True).start()

    def find(self, job_id: str) -> Job | None:
        """The job, or None when it is not known (any more)."""
        return self._kept.get(job_id)


def _run(context: Context, job: Job) -> None:
    try:
        with context.page_pool.connection() as conn:
            desk = Desk(context, conn)
            for letter_id in job.letters(conn):
                job.settle(desk, letter_id)
    except Exception as error:
        job.error = explain(error, context.settings)
        log.exception("bulk work broke off", action="flower.bulk_failed", done=job.done, total=job.total)
    finally:
        job.ended_at = datetime.now(UTC)
    log.info("bulk work done", action="flower.bulk_done", what=job.what, by=job.by, done=len(job.settled),
             refused=job.refused_count)  # fmt: skip


JOBS = Jobs()
