"""The background API: 202 at once, the real answer later (Visma reference: background API)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from deploy.sandbox.jsonio import Json
from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.visma.world import Job, Visit
from deploy.sandbox.wire import Reply, json_reply


def start_job(visit: Visit, effect: Callable[[], Reply]) -> Reply:
    """Take a request into the background."""
    call, world = visit.call, visit.world
    job = Job(
        id=world.ids.guid(),
        company_id=visit.company.company_id,
        uri=call.origin + call.path,
        origin=call.origin,
        received_at=world.clock.now(),
        has_request_content=bool(call.body),
    )
    world.jobs[job.id] = job

    def run() -> None:
        job.reply = effect()
        job.finished_at = world.clock.now()
        world.bump()

    world.tasks.after(visit.company.settings.background_delay_s, run)
    return json_reply({"id": job.id, "stateLocation": _location(job)}, 202)


def fetch_state(visit: Visit) -> Reply:
    """``GET /v1/background/{id}``."""
    return json_reply(_state(_get(visit)))


def fetch_content(visit: Visit) -> Reply:
    """``GET /v1/background/{id}/content``: the endpoint's own response or error body."""
    job = _get(visit)
    if job.reply is None or not job.reply.body:
        raise Denied(Reply(404))
    return Reply(200, job.reply.body, content_type=job.reply.content_type)


def _get(visit: Visit) -> Job:
    job = visit.world.find_job(visit.call.params["id"])
    if job is None or job.company_id != visit.company.company_id:
        raise Denied(Reply(404))
    return job


def _state(job: Job) -> Json:
    reply = job.reply
    status = "Started" if reply is None else "Finished" if reply.status < 400 else "Failed"
    failed = reply is not None and reply.status >= 400
    return {
        "id": job.id,
        "status": status,
        "statusCode": reply.status if reply else 0,
        "receivedUtc": _utc(job.received_at),
        "startedUtc": _utc(job.received_at),
        "finishedUtc": _utc(job.finished_at),
        "webhookAddress": "none",
        "errorMessage": reply.data().decode() if reply is not None and failed else "",
        "reference": "",
        "originalUri": job.uri,
        "hasResponseContent": reply is not None and bool(reply.body),
        "hasRequestContent": job.has_request_content,
        "contentLocation": _location(job) + "/content",
        "responseHeaders": dict(reply.headers) if reply else {},
    }


def _location(job: Job) -> str:
    return f"{job.origin}/visma/v1/background/{job.id}"


def _utc(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if moment else None
