"""Copies a bill's documents to its supplier invoice, each content once.

An upload carries the invoice's ETag, so that one whose answer was lost cannot take effect after
another; until Visma's cap on a request has passed it is looked up, by content and name, not repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import SpooledTemporaryFile
from typing import IO

from shared.bill.documents import BillDocument
from shared.errors import (
    ClaimLost,
    ConnectorError,
    CredentialsRefused,
    NoPlace,
    NotFound,
    OutcomeUnknown,
    Permanent,
    PreconditionFailed,
    Retryable,
    Unavailable,
)
from shared.http import file_s
from shared.multipart import FilePart
from shared.store.attachments import Document
from shared.visma.attachments import Uploaded
from workers.mapping.file_names import clean_file_name, free_file_name
from workers.sync.attachment_work import AttachmentWork
from workers.sync.invoice_files import SPOOL_BYTES, InvoiceFiles, measure
from workers.sync.upsert import CONFLICT_TRIES, CONFLICT_WAIT_S

_NOT_THE_FILES = (NoPlace, ClaimLost, CredentialsRefused)
"""Errors that the next document would meet as well."""


def copy_documents(work: AttachmentWork) -> str | None:
    """Copy what the supplier invoice lacks; what was done, in words, or None.

    Nothing is asked of either system where the tenant wants no attachments. Raises the tree of
    ``shared.errors`` once every document was tried; what then is missing has a reason in the text.
    """
    if not work.tenant.sync.attachments or work.claim.visma_number is None:
        return None
    missing = _find_missing(work)
    if not missing:
        return None
    try:
        files = InvoiceFiles(work)
    except NotFound:
        return "the supplier invoice is gone from Visma"
    if files.status == "Voided" or (files.is_released and work.claim.looked_at is not None):
        return f"{len(missing)} not copied: the supplier invoice is {files.status} in Visma"
    return _copy_all(work, files, missing)


def _find_missing(work: AttachmentWork) -> list[BillDocument]:
    work.extend()
    try:
        documents = work.documents.fetch_all(work.claim.bill_id)
    except NotFound:
        return []
    work.read_known()
    return [document for document in documents if not work.is_attached(document.id)]


def _copy_all(work: AttachmentWork, files: InvoiceFiles, missing: Sequence[BillDocument]) -> str:
    failures: list[tuple[str, ConnectorError]] = []
    for number, document in enumerate(missing):
        if number:
            work.ensure_time()
        try:
            _copy(work, files, document)
        except _NOT_THE_FILES:
            raise
        except ConnectorError as error:
            failures.append((document.name, error))
    if failures:
        raise _sum_up(failures)
    return f"{len(missing)} copied"


def _copy(work: AttachmentWork, files: InvoiceFiles, document: BillDocument) -> None:
    before = work.known.get(document.id)
    if before is not None and before.sent_at is not None and _is_resolved(work, files, before):
        return
    with SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
        work.extend(file_s())
        work.documents.download(document, file)
        size, sha256 = measure(file)
        if not _is_there(work, files, Document(document.id, "", sha256)):
            _send(work, files, document, file, size, sha256)


def _is_resolved(work: AttachmentWork, files: InvoiceFiles, sent: Document) -> bool:
    """Whether an upload without an answer did happen; False once it surely did not, and never will."""
    if _is_there(work, files, sent):
        return True
    if sent.sent_at is None or work.may_send_again(sent.sent_at):
        return False
    raise OutcomeUnknown(
        f"the upload sent at {sent.sent_at:%H:%M:%S} UTC has no answer and is not in Visma yet: "
        "looking again before it is sent once more"
    )


def _is_there(work: AttachmentWork, files: InvoiceFiles, document: Document) -> bool:
    """Whether the invoice has this content already, and record it where it has."""
    twin = files.find_content(document.sha256, sent_as=document.name or None)
    if twin is None:
        return False
    note = "found there: the answer to its upload was lost" if document.sent_at else "was there already"
    work.settle(
        Document(document.document_id, twin.name, document.sha256, document.sent_at, twin.id), note=note
    )
    return True


def _send(
    work: AttachmentWork,
    files: InvoiceFiles,
    document: BillDocument,
    file: IO[bytes],
    size: int,
    sha256: bytes,
) -> None:
    for _ in range(CONFLICT_TRIES):
        name = free_file_name(clean_file_name(document.name), files.list_names(document.id))
        sent = Document(document.id, name, sha256)
        etag = files.get_etag()
        try:
            uploaded = _upload(work, sent, FilePart(name, file, size), etag)
        except PreconditionFailed:
            files.refresh()
            if _is_there(work, files, sent):
                return
            continue
        except OutcomeUnknown:
            files.forget_etag()
            raise
        settled = Document(document.id, name, sha256, work.known[document.id].sent_at, uploaded.attachment_id)
        work.settle(settled, note=f"{size} bytes")
        work.follow_etag(etag, uploaded.etag)
        files.note_upload(settled, uploaded)
        return
    raise Retryable("Visma's record changes faster than we can attach to it", retry_after_s=CONFLICT_WAIT_S)


def _upload(work: AttachmentWork, sent: Document, part: FilePart, etag: str | None) -> Uploaded:
    with work.turn(file_s(len(part))):
        work.announce(sent, file_s(len(part)))
        try:
            return work.visma.upload_attachment(*work.invoice, part, etag)
        except OutcomeUnknown:
            work.lost_an_answer = True
            raise
        except NotFound:
            work.retract(sent)
            raise Retryable("the supplier invoice is gone from Visma: looking once more") from None
        except ConnectorError:
            work.retract(sent)
            raise


def _sum_up(failures: Sequence[tuple[str, ConnectorError]]) -> ConnectorError:
    """One error for all of them: as long as one may heal, all are tried again."""
    text = "; ".join(f"{name}: {error}" for name, error in failures)
    errors = [error for _, error in failures]
    for error in errors:
        if isinstance(error, OutcomeUnknown):
            return OutcomeUnknown(text, system=error.system)
    passing = [error for error in errors if isinstance(error, Retryable)]
    if not passing:
        return Permanent(text)
    told_s = max((error.retry_after_s for error in passing if error.retry_after_s is not None), default=None)
    for error in passing:
        if isinstance(error, Unavailable):
            return Unavailable(error.system, text, retry_after_s=told_s)
    return Retryable(text, retry_after_s=told_s, counts=any(error.counts for error in passing))
