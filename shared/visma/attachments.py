"""Files at supplier invoices in Visma (Visma reference: supplierInvoice, attachments)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Final

from shared.errors import Permanent
from shared.multipart import FilePart
from shared.visma.calls import VismaCalls, number_from_location
from shared.visma.models import EDITABLE_STATUSES
from shared.visma.reading import Reader
from shared.visma.schemas import strip_etag

_DOCUMENT: Final = "/v1/supplierInvoice/{documentType}/{number}"
_UPLOAD: Final = "/v1/supplierInvoice/documentType/{documentType}/{number}/attachment"
"""Attachments put ``documentType/`` before the type, other routes do not."""
_ONE: Final = "/v1/attachment/{id}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at a document; the same name sent again makes a new revision of it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Attachments:
    """The files at a supplier invoice, and the ETag that an upload must match."""

    items: tuple[Attachment, ...]
    etag: str | None
    status: str

    @property
    def is_released(self) -> bool:
        """Whether Visma's ledger has the document."""
        return self.status not in EDITABLE_STATUSES


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What Visma told of an upload: the new attachment's id and the document's new ETag, if it did."""

    attachment_id: str | None
    etag: str | None


class AttachmentCalls(VismaCalls):
    """Reads and writes of the files at a supplier invoice."""

    def fetch_attachments(self, document_type: str, number: str) -> Attachments:
        """The files at a supplier invoice; ``NotFound`` for an unknown type and number."""
        body, etag = self.fetch(_DOCUMENT, document_type, number, params={"expandAttachment": "true"})
        read = Reader(body, f"supplier invoice {number}")
        items = read.find("attachments") or ()
        if not isinstance(items, list | tuple):
            raise read.odd("attachments")
        tag = etag or strip_etag(read.find_text("timeStamp"))
        return Attachments(tuple(map(_attachment, items)), tag, read.get_text("status"))

    def upload_attachment(
        self, document_type: str, number: str, file: FilePart, etag: str | None
    ) -> Uploaded:
        """Attach a file to the document as ``etag`` shows it, else ``PreconditionFailed``.

        With an ETag the same upload cannot take effect twice; ``OutcomeUnknown`` for a lost answer.
        """
        answer = self.upload(_UPLOAD, document_type, number, file=file, etag=etag)
        location = answer.headers.get("Location") or ""
        # Whether it leads to the attachment or to the document is not documented.
        attachment_id = number_from_location(location) if "/attachment/" in location else None
        return Uploaded(attachment_id, strip_etag(answer.headers.get("ETag")))

    def download_attachment(self, attachment_id: str, into: IO[bytes]) -> None:
        """The newest revision of a file, into ``into``; ``NotFound`` for an unknown id."""
        self.download(_ONE, attachment_id, into=into)


def _attachment(item: object) -> Attachment:
    read = Reader(item, "attachment")
    attachment_id = read.find_text("id")
    if attachment_id is None:
        raise Permanent("Visma lists an attachment without an id")
    return Attachment(attachment_id, read.find_text("name") or "")
