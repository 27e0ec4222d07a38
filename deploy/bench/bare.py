"""A bare Flask route: what the same server answers when it does nothing with a webhook."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response

application: Final = Flask("bare", static_folder=None)


@application.post("/webhooks/bill/<tenant>")
def accept(tenant: str) -> Response:
    """Say accepted, and accept nothing."""
    return Response('{"status":"accepted"}', 200, mimetype="application/json")
