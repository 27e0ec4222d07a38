"""The files that a supplier invoice has in Visma: by their names, and by their contents."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import IO

from shared.errors import Permanent, Retryable
from shared.http import file_s
from shared.store.attachments import Document
from shared.visma.attachments import Attachment, Attachments, Uploaded
from workers.mapping.file_names import fold_file_name
from workers.sync.attachment_work import AttachmentWork

SPOOL_BYTES = 1024 * 1024
"""Up to this size a file stays in memory on its way; a larger one goes to the disk."""

UNREADABLE_TRIES = 5
"""After so many tries a file that Visma does not give back is taken for a person's."""

_CHUNK_BYTES = 64 * 1024


class InvoiceFiles:
    """One supplier invoice's files as last read, with what we sent since."""

    def __init__(self, work: AttachmentWork) -> None:
        self._work = work
        self._digests: dict[str, bytes | None] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read them anew. Raises NotFound when the invoice is gone."""
        self._work.extend()
        self._found: Attachments = self._work.visma.fetch_attachments(*self._work.invoice)

    @property
    def status(self) -> str:
        """The invoice's status."""
        return self._found.status

    @property
    def is_released(self) -> bool:
        """Whether Visma's ledger has the invoice."""
        return self._found.is_released

    def list_names(self, document_id: str) -> set[str]:
        """Folded names that a document may not have: those at the invoice, and what may be on its way."""
        others = (one for one in self._work.known.values() if one.document_id != document_id)
        ours = (one.name for one in others if one.sent_at or one.attached_at)
        return {fold_file_name(name) for name in (*(item.name for item in self._found.items), *ours)}

    def get_etag(self) -> str | None:
        """The invoice's ETag as of now, read again where an upload did not tell the new one."""
        if self._found.etag is None:
            self.refresh()
        return self._found.etag

    def forget_etag(self) -> None:
        """An upload may have happened: the next one reads the invoice again first."""
        self._found = replace(self._found, etag=None)

    def note_upload(self, document: Document, uploaded: Uploaded) -> None:
        """The invoice has one more file."""
        items = self._found.items
        if uploaded.attachment_id is not None:
            items = (*items, Attachment(uploaded.attachment_id, document.name))
        self._found = Attachments(items, uploaded.etag, self._found.status)

    def find_content(self, sha256: bytes, *, sent_as: str | None = None) -> Attachment | None:
        """The file with this content; one that Visma does not give back is known by the name sent."""
        for item in self._found.items:
            digest = self._digest(item)
            same_name = sent_as is not None and fold_file_name(sent_as) == fold_file_name(item.name)
            if digest == sha256 or (digest is None and same_name):
                return item
        return None

    def _digest(self, item: Attachment) -> bytes | None:
        for one in self._work.known.values():
            by_name = one.attachment_id is None and fold_file_name(one.name) == fold_file_name(item.name)
            if one.attached_at is not None and (one.attachment_id == item.id or by_name):
                return one.sha256
        if item.id not in self._digests:
            self._digests[item.id] = self._fetch_digest(item)
        return self._digests[item.id]

    def _fetch_digest(self, item: Attachment) -> bytes | None:
        """What a file that others attached, or we without an answer, holds; None where Visma keeps it."""
        with SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
            self._work.extend(file_s())
            try:
                self._work.visma.download_attachment(item.id, file)
            except Permanent:
                return None
            except Retryable as error:
                if error.counts and self._work.claim.attempts > UNREADABLE_TRIES:
                    return None
                raise
            return measure(file)[1]


def measure(file: IO[bytes]) -> tuple[int, bytes]:
    """Size and SHA-256 digest of a file, read piece by piece."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_CHUNK_BYTES):
        digest.update(piece)
        size += len(piece)
    return size, digest.digest()
