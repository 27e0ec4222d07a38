"""BILL's documents: every page of the list, links that are followed or not, and what is no file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, cast

import pytest

from shared.bill.calls import BillCalls
from shared.bill.documents import BillDocument, BillDocuments
from shared.errors import ConnectorError, Permanent, Retryable
from shared.http import Answer, FileTooLarge
from shared.tenants import BillConfig

pytestmark = pytest.mark.unit

BASE = "https://gateway.prod.bill.com/connect"
LINK = "https://files.bill.com/d/1?key=k"
ELSEWHERE = "https://store.example.com/d/1?sig=s"


@dataclass
class FakeCalls:
    """Answers of BILL in order, and what was asked of it."""

    pages: list[Any] = field(default_factory=list)
    files: list[Answer | ConnectorError] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    config: BillConfig = field(default_factory=lambda: BillConfig(BASE, BASE, "org"))

    def fetch_json(self, route: str, url: str, params: Mapping[str, str]) -> Any:
        self.asked.append((url, dict(params)))
        return self.pages.pop(0)

    def fetch_file(self, route: str, url: str, into: IO[bytes], *, with_session: bool) -> Answer:
        self.asked.append((url, with_session))
        answer = self.files.pop(0)
        if isinstance(answer, ConnectorError):
            raise answer
        into.write(answer.body)
        return answer


def documents(calls: FakeCalls) -> BillDocuments:
    return BillDocuments(cast("BillCalls", calls))


def entry(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"00h{number}", "name": f"{number}.pdf", "downloadLink": LINK, **changes}


def answer(status: int = 200, body: bytes = b"%PDF", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def download(*files: Answer | ConnectorError, link: str | None = LINK, name: str = "a.pdf") -> list[Any]:
    """What was asked of BILL, and the size at the end."""
    calls = FakeCalls(files=list(files))
    size = documents(calls).download(BillDocument("00h1", name, link), io.BytesIO())
    return [*calls.asked, size]


def test_every_page_is_read_and_nothing_twice() -> None:
    pages = [
        {"results": [entry(1), entry(2)], "nextPage": "p2"},
        {"results": [], "nextPage": "p3"},
        {"results": [entry(2), entry(3)], "nextPage": ""},
    ]
    calls = FakeCalls(pages)
    assert [one.id for one in documents(calls).fetch_all("00n1")] == ["00h1", "00h2", "00h3"]
    url = f"{BASE}/v3/documents/bills/00n1"
    cursors = [{}, {"page": "p2"}, {"page": "p3"}]
    assert calls.asked == [(url, {"max": "100", **cursor}) for cursor in cursors]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, BillDocument("00h1", "1.pdf", LINK)),
        ({"name": None}, BillDocument("00h1", "00h1", LINK)),
        ({"name": " "}, BillDocument("00h1", "00h1", LINK)),
        ({"id": "0du1", "downloadLink": None}, BillDocument("0du1", "1.pdf", None)),
        ({"downloadLink": ""}, BillDocument("00h1", "1.pdf", None)),
    ],
)
def test_an_entry_is_read(changes: dict[str, Any], expected: BillDocument) -> None:
    calls = FakeCalls([{"results": [entry(1, **changes)]}])
    assert documents(calls).fetch_all("00n1") == (expected,)
    assert LINK not in repr(expected), "a link may be a permission"


@pytest.mark.parametrize(
    ("pages", "error"),
    [
        ([{"results": [], "nextPage": "p"}] * 2, Retryable),
        ([{"results": None}], Retryable),
        ([[]], Retryable),
        ([{"results": [{"id": "../x"}]}], Permanent),
        ([{"results": ["x"]}], Permanent),
    ],
    ids=["a repeated cursor", "no results", "an array", "an odd id", "no object"],
)
def test_a_spoilt_list_is_refused(pages: list[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        documents(FakeCalls(list(pages))).fetch_all("00n1")


def test_an_id_that_bill_could_not_have_given_never_gets_into_a_path() -> None:
    with pytest.raises(ValueError, match="not an id"):
        documents(FakeCalls()).fetch_all("../vendors")


def test_the_session_follows_a_link_to_bill_and_no_further() -> None:
    moved = answer(302, b"", Location=ELSEWHERE)
    assert download(moved, answer()) == [(LINK, True), (ELSEWHERE, False), 4]


def test_a_relative_redirect_stays() -> None:
    moved = answer(307, b"", Location="/d/2")
    assert download(moved, answer()) == [(LINK, True), ("https://files.bill.com/d/2", True), 4]


@pytest.mark.parametrize(
    "link", ["http://files.bill.com/x", "file:///etc/passwd", "https://user@files.bill.com/x", "/x"]
)
def test_a_link_that_must_not_be_followed_is_final(link: str) -> None:
    with pytest.raises(Permanent, match="not an https address"):
        download(link=link)


def test_redirects_end() -> None:
    with pytest.raises(Retryable, match="from one address to the next"):
        download(*[answer(302, b"", Location=LINK)] * 4)


def test_a_file_that_bill_still_takes_in_is_asked_for_again() -> None:
    with pytest.raises(Retryable, match="not taken the file in") as caught:
        download(link=None)
    assert caught.value.retry_after_s == 60


@pytest.mark.parametrize(
    ("name", "kind", "refused"),
    [
        ("a.pdf", "text/html; charset=utf-8", True),
        ("a.HTML", "text/html", False),
        ("a.pdf", "Application/JSON", True),
        ("a.json", "application/json", False),
        ("a.pdf", "application/pdf", False),
        ("a.pdf", "", False),
    ],
)
def test_a_page_instead_of_the_file_is_none(name: str, kind: str, refused: bool) -> None:
    served = answer(Content_Type=kind)
    if refused:
        with pytest.raises(Retryable, match="instead of the file"):
            download(served, name=name)
    else:
        assert download(served, name=name)[-1] == 4


def test_a_link_that_ended_is_worth_a_fresh_one_and_a_file_too_large_is_not() -> None:
    with pytest.raises(Retryable, match="download link failed: BILL answered 403"):
        download(Permanent("BILL answered 403"))
    with pytest.raises(FileTooLarge):
        download(FileTooLarge("too large"))
