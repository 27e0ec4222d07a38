"""Files attached to bills (BILL reference: bills, documents)."""

from __future__ import annotations

import hashlib

from deploy.sandbox.bill.bills import get_bill
from deploy.sandbox.bill.errors import Refusal, missing, not_found
from deploy.sandbox.bill.models import BillDocument
from deploy.sandbox.bill.world import BillWorld, Visit
from deploy.sandbox.clock import iso_utc
from deploy.sandbox.jsonio import Json
from deploy.sandbox.wire import Call, Reply, json_reply

_TYPES = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".txt": "text/plain"}


def list_documents(visit: Visit) -> Reply:
    """``GET /v3/documents/bills/{id}``."""
    entry = get_bill(visit.org, visit.call.params["id"])
    found = [item for item in visit.org.documents.values() if item.bill_id == entry.id]
    return json_reply({"results": [_shown(visit, item) for item in found]})


def post_document(visit: Visit) -> Reply:
    """``POST /v3/documents/bills/{id}?name=``: the body is the file."""
    entry = get_bill(visit.org, visit.call.params["id"])
    name = visit.call.query.get("name")
    if not name:
        raise missing("name")
    if not visit.call.body:
        raise Refusal(400, "BDC_1117", "The file is empty.")
    document = add_document(visit.world, visit.org.id, entry.id, name, visit.call.body)
    return json_reply(_shown(visit, document))


def fetch_document(visit: Visit) -> Reply:
    """``GET /v3/documents/{id}``."""
    document = visit.org.documents.get(visit.call.params["id"])
    if document is None:
        raise not_found()
    return json_reply(_shown(visit, document))


def download(world: BillWorld, call: Call) -> Reply:
    """The file behind a ``downloadLink``; the link itself is the permission."""
    org = world.organizations.get(call.params["organization"])
    document = org.documents.get(call.params["document"]) if org else None
    if document is None or call.query.get("key") != _link_key(document):
        raise not_found()
    ending = document.name[document.name.rfind(".") :].lower()
    return Reply(200, document.content, content_type=_TYPES.get(ending, "application/octet-stream"))


def add_document(
    world: BillWorld, organization_id: str, bill_id: str, name: str, content: bytes
) -> BillDocument:
    """Attach a file; no webhook and no change of ``updatedTime`` is documented for it."""
    org = world.organizations[organization_id]
    document = BillDocument(world.ids.bill("00h"), bill_id, name, content, world.clock.now())
    org.documents[document.id] = document
    return document


def _shown(visit: Visit, document: BillDocument) -> Json:
    link = f"{visit.call.origin}/bill/connect/v3/downloads/{visit.org.id}/{document.id}"
    return {
        "id": document.id,
        "name": document.name,
        "createdTime": iso_utc(document.created_at),
        "downloadLink": f"{link}?key={_link_key(document)}",
    }


def _link_key(document: BillDocument) -> str:
    return hashlib.sha256(document.id.encode() + document.content).hexdigest()[:32]
