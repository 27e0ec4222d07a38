"""Actions and attachments of supplier invoices over HTTP (Visma reference: release, attachments)."""

from __future__ import annotations

import uuid
from email.parser import BytesParser
from email.policy import HTTP

from deploy.sandbox.visma import actions
from deploy.sandbox.visma.errors import Denied
from deploy.sandbox.visma.invoice_routes import get_invoice, require_match
from deploy.sandbox.visma.lists import bad_filter
from deploy.sandbox.visma.status import require_releasable
from deploy.sandbox.visma.versions import etag
from deploy.sandbox.visma.world import Visit
from deploy.sandbox.wire import Reply, json_reply


def post_release(visit: Visit) -> Reply:
    """``action/release``: 202 now, the status changes later."""
    invoice = get_invoice(visit)
    _require_match_in_background(visit)
    require_releasable(invoice.status)
    company, by = visit.company, visit.by
    visit.world.tasks.after(
        company.settings.release_delay_s, lambda: actions.finish_release(company, invoice, by)
    )
    return _accepted(visit)


def post_reverse(visit: Visit) -> Reply:
    """``action/reverse``: a debit adjustment is made."""
    invoice = get_invoice(visit)
    _require_match_in_background(visit)
    actions.reverse(visit.company, invoice, visit.by)
    return _accepted(visit)


def post_void(visit: Visit) -> Reply:
    """``action/voidinvoice``."""
    invoice = get_invoice(visit)
    _require_match_in_background(visit)
    actions.void(visit.company, invoice, visit.by)
    return _accepted(visit)


def post_attachment(visit: Visit) -> Reply:
    """``attachment`` on the document or a line: the first file of a multipart body."""
    invoice = get_invoice(visit)
    require_match(visit, invoice)
    line = visit.call.params.get("line")
    name, content = first_file(visit.call.headers.get("Content-Type", ""), visit.call.body)
    number = int(line) if line and line.isdigit() else None
    if line and number not in {item.number for item in invoice.lines}:
        raise Denied(Reply(404))
    found = actions.attach(visit.company, visit.world.ids, invoice, name, content, number, visit.by)
    location = f"{visit.call.origin}/visma/v1/attachment/{found.id}"
    return Reply(201, headers={"Location": location, "ETag": etag(invoice.version)})


def fetch_attachment(visit: Visit) -> Reply:
    """``GET /v1/attachment/{id}``: the file."""
    found = visit.company.attachments.get(visit.call.params["id"])
    if found is None:
        raise Denied(Reply(404))
    headers = {"Content-Disposition": f'attachment; filename="{found.id}"'}
    return Reply(200, found.content, headers, "application/octet-stream")


def first_file(content_type: str, body: bytes) -> tuple[str, bytes]:
    """(name, content) of the first part that has a file name; raises Denied 400 without one."""
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in message.walk():
        name = part.get_filename()
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            return str(name), content
    raise bad_filter("A file is expected as multipart/form-data.")


def _require_match_in_background(visit: Visit) -> None:
    """For actions ``If-Match`` only counts together with the background header."""
    if visit.call.headers.get("erp-api-background"):
        require_match(visit, get_invoice(visit))


def _accepted(visit: Visit) -> Reply:
    if visit.company.settings.release_answer == "legacy":
        return json_reply({"actionId": str(uuid.uuid4()), "actionResult": "Queued", "errorInfo": None})
    return Reply(202)
