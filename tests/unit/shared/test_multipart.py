from __future__ import annotations

import io
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.multipart import FilePart

pytestmark = pytest.mark.unit

LETTERS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1)


def parse(part: FilePart, body: bytes) -> tuple[str | None, str, bytes]:
    """Name, type and content, as a library that is not ours reads them."""
    head = f"Content-Type: {part.content_type}\r\n\r\n".encode()
    (found,) = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()  # type: ignore[attr-defined]
    content = found.get_payload(decode=True)
    return found.get_filename(), found.get_content_type(), content


@given(name=LETTERS, content=st.binary(max_size=300_000), size=st.integers(1, 100_000))
def test_what_goes_in_comes_out_in_pieces_of_any_size(name: str, content: bytes, size: int) -> None:
    part = FilePart(name, io.BytesIO(content), len(content))
    pieces = iter(lambda: part.read(size), b"")
    body = b"".join(pieces)
    assert len(body) == len(part)
    assert f'filename="{name}"'.encode() in body
    assert content in body
    part.rewind()
    assert b"".join(part) == body


@pytest.mark.parametrize("name", ["Räkning №7.pdf", "請求書 😀.pdf", "a;b='c', d=%41.pdf"])
def test_another_library_reads_name_and_content(name: str) -> None:
    content = bytes(range(256)) * 3 + b"\r\n--\r\n"
    part = FilePart(name, io.BytesIO(content), len(content))
    assert parse(part, b"".join(part)) == (name, "application/pdf", content)


def test_rfc_5987_has_the_name_too() -> None:
    part = FilePart("ö \u20ac'*.bin", io.BytesIO(b""), 0)
    assert b"filename*=UTF-8''%C3%B6%20%E2%82%AC%27%2A.bin\r\n" in part.read()


@pytest.mark.parametrize("name", ["x\r\nX-Evil: 1.pdf", 'x"; name="y.pdf', "x\x00.pdf"])
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    head = FilePart(name, io.BytesIO(b""), 0).read().split(b"\r\n\r\n")[0]
    assert len(head.split(b"\r\n")) == 3
    assert head.count(b'"') == 4
    assert b"\x00" not in head


def test_a_content_that_is_shorter_than_told_is_not_padded() -> None:
    part = FilePart("a", io.BytesIO(b"12"), 3)
    assert len(b"".join(part)) == len(part) - 1
