"""Health and metrics: is the process alive, can it do its work, and what has the fleet counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from shared.logs import get_logger
from shared.metrics import FleetCollector, FleetState

PROBE_TIMEOUT_S: Final = 1.0
Probe = Callable[[], object]
logger = get_logger(__name__)


def health_routes(
    probes: Mapping[str, Probe], fetch_fleet_state: Callable[[], FleetState], counted: Collector
) -> Blueprint:
    """``/livez``, ``/readyz`` and ``/metrics``: the fleet's counts and state, and this process's own needs.

    A probe raises, within about :data:`PROBE_TIMEOUT_S`, when what it is named after cannot be reached.
    """
    routes = Blueprint("health", __name__)
    fleet = CollectorRegistry()
    fleet.register(counted)
    fleet.register(FleetCollector(fetch_fleet_state, _report_fetch))

    @routes.get("/livez")
    def livez() -> Response:
        return jsonify(status="alive")

    @routes.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found = {name: "ok" if _reaches(name, probe) else "unreachable" for name, probe in probes.items()}
        ready = set(found.values()) <= {"ok"}
        return jsonify(status="ready" if ready else "not_ready", **found), 200 if ready else 503

    @routes.get("/metrics")
    def metrics() -> Response:
        text = generate_latest(fleet) + generate_latest(REGISTRY)
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    return routes


def _reaches(name: str, probe: Probe) -> bool:
    try:
        probe()
    except Exception as error:
        logger.warning("not ready", action="health.unreachable", what=name, error=str(error))
        return False
    return True


def _report_fetch(error: Exception) -> None:
    logger.warning("fleet state not available", action="metrics.unavailable", error=str(error))
