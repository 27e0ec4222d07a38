"""Accepted webhooks a second beside a bare Flask route, and how soon they are rows."""

from __future__ import annotations

import time
import uuid
from typing import Any

from deploy.bench.figures import rate, ratio, spread
from deploy.bench.firm import Firm
from deploy.bench.load import Burst, fire, make_request
from deploy.bench.processes import bare_server, running
from deploy.bench.site import BenchError, Site
from deploy.sandbox.bill.signature import HEADER, sign
from deploy.sandbox.jsonio import Json, dumps
from shared.store.pool import Conn

_LOOK_AGAIN_S = 0.02


def measure_webhooks(site: Site, firm: Firm, vendor: Json) -> tuple[Json, Json]:
    """The ingress and the bare route under the same load, by turns; no worker should run meanwhile."""
    spec, bare_url = bare_server(site.stage)
    webhooks, bare = Burst(), Burst()
    with running(site.stage, spec):
        for _ in range(site.scale.rounds):
            bodies = [_notification(firm, vendor) for _ in range(site.scale.webhooks)]
            bare.add(_post(site, firm, bare_url, bodies))
            webhooks.add(_post(site, firm, site.stage.addresses.web_url, bodies))
    if webhooks.refused or bare.refused:
        raise BenchError(f"{webhooks.refused} webhooks and {bare.refused} bare requests were refused")
    accepted, beside = _shown(webhooks), _shown(bare)
    return accepted | {"share_of_bare": ratio(accepted["per_s"], beside["per_s"])}, beside


def measure_drain(site: Site, firm: Firm, accepted: int) -> Json:
    """How fast a worker that just started turns the accepted webhooks into rows; none may be missing."""
    backlog = site.context.stream.get_depth()
    end = time.monotonic() + site.scale.patience_s
    started, first, depth = 0.0, backlog, backlog
    while depth and time.monotonic() < end:
        time.sleep(_LOOK_AGAIN_S)
        depth = site.context.stream.get_depth()
        if not started and depth < backlog:
            started, first = time.monotonic(), depth
    seconds = time.monotonic() - started
    stored = site.until(lambda: _stored(site.conn, firm, accepted), "every accepted webhook is a row")
    return {"accepted": accepted, "stored": stored, "per_s": rate(first, seconds) if started else None}


def _post(site: Site, firm: Firm, base_url: str, bodies: list[bytes]) -> Burst:
    keys = site.keeper(firm).find()
    if keys is None:
        raise BenchError(f"{firm.id} has no webhook key")
    url = f"{base_url}/webhooks/bill/{firm.id}"
    requests = [
        make_request(url, body, {"Content-Type": "application/json", HEADER: sign(keys.keys[0].key, body)})
        for body in bodies
    ]
    return fire(url, requests, connections=site.scale.connections)


def _notification(firm: Firm, vendor: Json) -> bytes:
    """An event of its own about a vendor, older than what the lists show of it."""
    metadata = {
        "eventId": str(uuid.uuid4()),
        "subscriptionId": f"sub-{firm.number}",
        "organizationId": firm.organization,
        "eventType": "vendor.updated",
        "version": "1",
    }
    return dumps({"metadata": metadata, "vendor": vendor}).encode()


def _shown(burst: Burst) -> dict[str, Any]:
    return {
        "requests": burst.accepted,
        "per_s": rate(burst.accepted, burst.seconds),
        **spread(burst.latencies_s),
    }


def _stored(conn: Conn, firm: Firm, wanted: int) -> int | None:
    row = conn.execute("SELECT count(*) AS count FROM events WHERE tenant = %s", (firm.id,)).fetchone()
    count = int(row["count"]) if row else 0
    return count if count >= wanted else None
