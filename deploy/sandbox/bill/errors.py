"""BILL's error bodies (BILL reference: errors and limits)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json, dumps
from deploy.sandbox.wire import Reply

TEXTS = {
    "BDC_1001": "System error.",
    "BDC_1101": "Invalid username or password.",
    "BDC_1102": "Developer key is invalid.",
    "BDC_1103": "Developer key is inactive.",
    "BDC_1107": "Organization is locked.",
    "BDC_1109": "Session is invalid. Please log in.",
    "BDC_1117": "Required field is missing.",
    "BDC_1119": "Field value is invalid.",
    "BDC_1121": "API is not supported.",
    "BDC_1122": "Invalid JSON.",
    "BDC_1129": "Invalid value for parameter ${paramName0}.",
    "BDC_1130": "Invalid filter field.",
    "BDC_1131": "Invalid filter operator.",
    "BDC_1144": "Max number of allowed requests per hour reached: 20000.",
    "BDC_1205": "Object not found.",
    "BDC_1246": "Bulk operation was rolled back.",
    "BDC_1322": "Max number of concurrent requests per organization reached.",
    "BDC_1361": "Untrusted session.",
}
"""Messages by code; codes and meanings are BILL's, some of the wording is ours."""


@dataclass(slots=True)
class Refusal(Exception):
    """A request that BILL refuses. ``code`` None gives an item without one, as live validation does."""

    status: int
    code: str | None
    message: str | None = None
    params: list[Json] | None = None
    category: str = "REQUEST"

    def __str__(self) -> str:
        return f"{self.status} {self.code} {self.text}"

    @property
    def text(self) -> str:
        """The message as sent."""
        return self.message if self.message is not None else TEXTS.get(self.code or "", "Unknown error.")


def bad_parameter(name: str) -> Refusal:
    """400 for a query parameter, with the uninterpolated message seen live."""
    return Refusal(400, "BDC_1129", params=[{"name": "paramName0", "value": name, "additional": {}}])


def missing(field: str) -> Refusal:
    """400 for a required field, in the shape seen live: no code (BILL reference: vendors, create)."""
    return Refusal(400, None, f"{field}: must not be null")


def not_found() -> Refusal:
    """404 for an id that the organization does not have."""
    return Refusal(404, "BDC_1205")


def refusal_reply(refusal: Refusal, shape: str, now: datetime) -> Reply:
    """The answer in one of the shapes seen live: array (the rule), object, text, HTML, without code."""
    if shape == "text":
        return Reply(refusal.status, refusal.text, content_type="text/plain")
    if shape == "html":
        page = f"<html><head><title>{refusal.status}</title></head><body>{refusal.text}</body></html>"
        return Reply(refusal.status, page, content_type="text/html")
    if shape == "empty":
        return Reply(refusal.status)
    item = _item(refusal, now, with_code=shape != "no_code")
    return Reply(refusal.status, dumps(item if shape == "object" else [item]))


def _item(refusal: Refusal, now: datetime, *, with_code: bool) -> Json:
    if refusal.code is None or not with_code:
        return {"message": refusal.text, "severity": "ERROR"}
    params: Any = refusal.params if refusal.params is not None else {}
    return {
        "timestamp": iso_utc(now),
        "code": refusal.code,
        "severity": "ERROR",
        "category": refusal.category,
        "message": refusal.text,
        "params": params,
    }
