"""Settling many dead letters together: started from the list, followed on a page of its own."""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError

from shared.errors import UsageError
from shared.store import letter_pages
from workers.cli.reasons import STATES
from workers.flower.bulk import JOBS, MOST_REFUSED, Job, What
from workers.flower.letters import FilteredPage, to_query
from workers.flower.page import Action, Desk, Page

_MOST_IDS = 1000
_DONE = {"replay": "replayed", "discard": "discarded"}


class BulkAction(Action, FilteredPage):
    """``POST /dead-letters/many``: the letters ``id``, or with ``all`` every open one that matches."""

    tab = "dead-letters"

    async def post(self) -> None:
        """Begin, and go on to the page that shows how far it is."""
        what: What = "discard" if self.pick("action", ("replay", "discard")) == "discard" else "replay"
        chosen, why = self.read_filter(), (self.pick("why") or "").strip()
        ids = None if self.pick("all") else self._read_ids()
        back = self.address("dead-letters", **to_query(chosen))
        if chosen.state != "open":
            raise HTTPError(400, "only open dead letters are settled")
        if ids == []:
            self.leave(back, "Select at least one dead letter.", "warning")
            return
        if what == "discard" and not why:
            self.leave(back, "Give the reason why they are discarded.", "warning")
            return
        by = self.actor

        def begin(desk: Desk) -> Job:
            total = len(ids) if ids is not None else letter_pages.count(desk.conn, chosen)
            job = Job(what, by, why, ids, chosen, total)
            JOBS.start(desk.context, job)
            return job

        try:
            job = await self.ask("bulk", begin)
        except UsageError as error:
            self.leave(back, str(error), "warning")
        else:
            self.redirect(self.address("dead-letters-job", job.id), status=303)

    def _read_ids(self) -> list[int]:
        found = self.get_arguments("id")
        if len(found) > _MOST_IDS or not all(text.isascii() and text.isdigit() for text in found):
            raise HTTPError(400, "id must be the number of a dead letter")
        return sorted({int(text) for text in found if len(text) <= 18})


class _JobPage(Page):
    tab = "dead-letters"

    def get_job(self, job_id: str) -> Job:
        """The job. Raises 404 when this process does not know it."""
        job = JOBS.find(job_id)
        if job is None:
            raise HTTPError(404, "Flower was restarted since: each dead letter is settled or still open.")
        return job


class BulkPage(_JobPage):
    """``/dead-letters/many/JOB``."""

    async def get(self, job_id: str) -> None:
        """How far it is; the page goes on asking until everything has an end."""
        job = self.get_job(job_id)
        told = await self.ask("bulk", lambda desk: tell(desk, job))
        self.show("dead_letters_job.html", job=job, told=told, most_refused=MOST_REFUSED,
                  back=self.address("dead-letters", **to_query(job.chosen)))  # fmt: skip


class BulkProgress(_JobPage):
    """``/dead-letters/many/JOB/progress``: the same as JSON."""

    async def get(self, job_id: str) -> None:
        """``text``, ``share`` from 0 to 1, ``done`` once nothing more happens, and ``outcomes``."""
        job = self.get_job(job_id)
        self.write(await self.ask("bulk", lambda desk: tell(desk, job)))


def tell(desk: Desk, job: Job) -> dict[str, Any]:
    """How far a job is, and what became of the records it replayed."""
    ended = job.ended_at is not None
    outcomes = letter_pages.count_outcomes(desk.conn, job.settled) if job.what == "replay" else {}
    working = outcomes.get("working", 0)
    text = f"{len(job.settled):,} of {job.total:,} {_DONE[job.what]}"
    if job.refused_count:
        text += f", {job.refused_count:,} refused"
    return {
        "text": text + ("." if ended else "…"),
        "share": 1.0 if ended else job.done / max(job.total, 1),
        "done": ended and not working,
        "outcomes": [(_name(state), count) for state, count in sorted(outcomes.items())],
        "refused": [f"#{letter_id}: {why}" for letter_id, why in job.refused],
        "error": job.error,
    }


def _name(state: str) -> str:
    if state == "working":
        return "still being worked on"
    return f"{state}: {STATES[state].meaning}"
