"""The seven classification resources over HTTP (BILL reference: classifications)."""

from __future__ import annotations

from deploy.sandbox.bill.classifications import (
    change_classification,
    classification_json,
    create_classification,
    get_classification,
    set_classification_archived,
)
from deploy.sandbox.bill.errors import Refusal
from deploy.sandbox.bill.filters import CLASSIFICATION_FILTERS, CLASSIFICATION_SORTS
from deploy.sandbox.bill.models import CLASSIFICATIONS
from deploy.sandbox.bill.paging import Listing, list_page
from deploy.sandbox.bill.world import Visit
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Reply, json_reply

_LARGEST_BULK = 50
_LISTINGS = {name: Listing(name, CLASSIFICATION_FILTERS, CLASSIFICATION_SORTS) for name in CLASSIFICATIONS}


def _kind(visit: Visit) -> str:
    kind = visit.call.params["kind"]
    if kind not in CLASSIFICATIONS:
        raise Refusal(404, "BDC_1121")
    return kind


def list_classifications(visit: Visit) -> Reply:
    """``GET /v3/classifications/{kind}``."""
    kind = _kind(visit)
    shelf = visit.org.classifications[kind]
    return json_reply(list_page(visit.call, visit.org, shelf, _LISTINGS[kind], classification_json))


def fetch_classification(visit: Visit) -> Reply:
    """``GET /v3/classifications/{kind}/{id}``."""
    return json_reply(
        classification_json(get_classification(visit.org, _kind(visit), visit.call.params["id"]))
    )


def post_classification(visit: Visit) -> Reply:
    """``POST /v3/classifications/{kind}``."""
    entry = create_classification(visit.world, visit.org, _kind(visit), visit.call.json_object())
    return json_reply(classification_json(entry), 201)


def patch_classification(visit: Visit) -> Reply:
    """``PATCH /v3/classifications/{kind}/{id}``."""
    kind = _kind(visit)
    entry = get_classification(visit.org, kind, visit.call.params["id"])
    change_classification(visit.world, visit.org, kind, entry, visit.call.json_object())
    return json_reply(classification_json(entry))


def archive_classification(visit: Visit) -> Reply:
    """``POST /v3/classifications/{kind}/{id}/archive`` and ``/restore``."""
    kind = _kind(visit)
    entry = get_classification(visit.org, kind, visit.call.params["id"])
    set_classification_archived(visit.world, visit.org, kind, entry, visit.call.path.endswith("/archive"))
    return json_reply(classification_json(entry))


def post_bulk(visit: Visit) -> Reply:
    """``POST`` and ``PATCH /v3/classifications/{kind}/bulk``: up to 50, wrapped in the kind's key."""
    kind = _kind(visit)
    wanted = visit.call.json()
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _LARGEST_BULK:
        raise Refusal(400, "BDC_1246", f"From 1 to {_LARGEST_BULK} at once.")
    return json_reply(
        {CLASSIFICATIONS[kind][0]: [_bulk_one(visit, kind, item) for item in wanted]}, _made(visit)
    )


def archive_bulk(visit: Visit) -> Reply:
    """``POST /v3/classifications/{kind}/bulk/archive?ids=`` and ``/restore``."""
    kind = _kind(visit)
    archived = visit.call.path.endswith("/archive")
    ids = filter(None, visit.call.query.get("ids", "").split(","))
    entries = [get_classification(visit.org, kind, entry_id) for entry_id in ids]
    for entry in entries:
        set_classification_archived(visit.world, visit.org, kind, entry, archived)
    return json_reply({CLASSIFICATIONS[kind][0]: [classification_json(entry) for entry in entries]})


def _made(visit: Visit) -> int:
    return 201 if visit.call.method == "POST" else 200


def _bulk_one(visit: Visit, kind: str, item: Json) -> Json:
    if visit.call.method == "POST":
        return classification_json(create_classification(visit.world, visit.org, kind, item))
    entry = get_classification(visit.org, kind, str(item.get("id")))
    change_classification(visit.world, visit.org, kind, entry, item)
    return classification_json(entry)
