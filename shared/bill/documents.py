"""The files attached to a bill (BILL reference: documents)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Any, Final
from urllib.parse import quote, urljoin

from shared.bill.calls import REDIRECTS, BillCalls, expect_object
from shared.bill.schema_fields import ID
from shared.errors import Permanent, Retryable
from shared.http import Answer, FileTooLarge
from shared.urls import may_fetch, shares_domain

PAGE_SIZE: Final = 100
_LIST: Final = "/v3/documents/bills/{id}"
_DOWNLOAD: Final = "downloadLink"
_MOST_PAGES: Final = 100
_MOST_REDIRECTS: Final = 3
_NOT_FILES: Final = {"text/html": (".htm", ".html"), "application/json": (".json",)}


@dataclass(frozen=True, slots=True)
class BillDocument:
    """A file of a bill. ``download_link`` may be a permission in itself; it is None while BILL still
    takes the file in."""

    id: str
    name: str
    download_link: str | None = field(repr=False)


class BillDocuments:
    """The documents of the bills of one tenant's organization."""

    def __init__(self, calls: BillCalls) -> None:
        self._calls = calls

    def fetch_all(self, bill_id: str) -> tuple[BillDocument, ...]:
        """Every document of a bill, in BILL's order; ``NotFound`` for an unknown bill."""
        if not ID.fullmatch(bill_id):
            raise ValueError("not an id that BILL could have given")
        url = self._calls.config.base_url + _LIST.format(id=quote(bill_id, safe=""))
        found: dict[str, BillDocument] = {}
        params = {"max": str(PAGE_SIZE)}
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            content = expect_object(self._calls.fetch_json(_LIST, url, params), _LIST)
            found |= {document.id: document for document in _documents(content)}
            cursor = content.get("nextPage")
            if not cursor:
                return tuple(found.values())
            if not isinstance(cursor, str) or cursor in seen:
                break
            seen.add(cursor)
            params["page"] = cursor
        raise Retryable(f"BILL's list {_LIST} does not end")

    def download(self, document: BillDocument, into: IO[bytes]) -> int:
        """Fetch the file into ``into``, piece by piece; its size in bytes.

        Raises ``FileTooLarge``, and ``Retryable`` while BILL does not give it.
        """
        if document.download_link is None:
            raise Retryable("BILL has not taken the file in yet", retry_after_s=60.0)
        url, base_url = document.download_link, self._calls.config.base_url
        for _ in range(_MOST_REDIRECTS):
            if not may_fetch(url, base_url):
                raise Permanent("BILL's download link is not an https address")
            answer = self._fetch(url, into, with_session=shares_domain(url, base_url))
            if answer.status not in REDIRECTS:
                return _checked_size(answer, document, into)
            url = urljoin(url, answer.headers.get("Location", ""))
        raise Retryable("BILL's download link leads from one address to the next")

    def _fetch(self, url: str, into: IO[bytes], *, with_session: bool) -> Answer:
        try:
            return self._calls.fetch_file(_DOWNLOAD, url, into, with_session=with_session)
        except FileTooLarge:
            raise
        except Permanent as error:  # links end: the next list brings a fresh one
            raise Retryable(f"the download link failed: {error}") from None


def _documents(content: Any) -> list[BillDocument]:
    results = content.get("results")
    if not isinstance(results, list):
        raise Retryable(f"BILL's answer to {_LIST} has no results")
    return [_document(item) for item in results]


def _document(item: object) -> BillDocument:
    shown = item if isinstance(item, dict) else {}
    document_id, name, link = (shown.get(key) for key in ("id", "name", "downloadLink"))
    if not isinstance(document_id, str) or not ID.fullmatch(document_id):
        raise Permanent("BILL lists a document without a usable id")
    return BillDocument(
        document_id,
        name if isinstance(name, str) and name.strip() else document_id,
        link if isinstance(link, str) and link else None,
    )


def _checked_size(answer: Answer, document: BillDocument, into: IO[bytes]) -> int:
    """The size of what came; a page to log in, or an error, is not the file, whatever its status."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
    if kind in _NOT_FILES and not document.name.casefold().endswith(_NOT_FILES[kind]):
        raise Retryable(f"BILL answered with {kind} instead of the file")
    return into.tell()
