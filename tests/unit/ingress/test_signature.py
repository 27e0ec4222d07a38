from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.signature import is_signed, minify, signed_forms, unwrap
from tests.unit.ingress.payloads import KEY, minified, notification, signed

pytestmark = pytest.mark.unit

BODY = minified(notification())
SPACED = json.dumps(notification(), indent=2, ensure_ascii=False).encode()
SPACES = b" \t\r\n"
LETTERS = string.ascii_letters + string.digits + "+/="

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_signature_computed_elsewhere_is_accepted() -> None:
    # openssl dgst -sha256 -hmac 'key' -binary | base64, of the well-known sentence
    sentence = b"The quick brown fox jumps over the lazy dog"
    assert is_signed(sentence, "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=", ["key"])


@pytest.mark.parametrize(
    ("sent", "signed_over"),
    [
        pytest.param(BODY, BODY, id="as sent"),
        pytest.param(SPACED, SPACED, id="as sent, with spaces"),
        pytest.param(SPACED, BODY, id="minified"),
        pytest.param(json.dumps(BODY.decode()).encode(), BODY, id="escaped, the text inside"),
        pytest.param(json.dumps(SPACED.decode()).encode(), BODY, id="escaped, the text inside minified"),
        pytest.param(
            json.dumps(BODY.decode()).encode(), json.dumps(BODY.decode()).encode(), id="escaped as sent"
        ),
        pytest.param(
            b" " + json.dumps(SPACED.decode()).encode() + b"\n", SPACED, id="escaped, spaced inside"
        ),
    ],
)
def test_every_form_bill_may_sign_is_accepted(sent: bytes, signed_over: bytes) -> None:
    assert is_signed(sent, signed(signed_over), [KEY])


def test_any_of_the_keys_will_do_and_no_other() -> None:
    old, new = "old-key", "new-key"
    assert is_signed(BODY, signed(BODY, old), [new, old])
    assert is_signed(BODY, signed(BODY, new), [new, old])
    assert not is_signed(BODY, signed(BODY, "third-key"), [new, old])
    assert not is_signed(BODY, signed(BODY, old), [])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "é" * 44,
        "\udcff",
        "\x00",
        "=" * 44,
        signed(BODY).upper(),
        signed(BODY)[:-1],
        "a" * 9000,
    ],
)
def test_a_header_of_any_shape_is_refused_quietly(header: str | None) -> None:
    assert not is_signed(BODY, header, [KEY])


@given(index=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_a_body_with_any_byte_changed_is_refused(index: int, byte: int) -> None:
    changed = BODY[:index] + bytes([byte]) + BODY[index + 1 :]
    only_a_space_moved = changed == BODY or byte in SPACES
    if not only_a_space_moved:
        assert not is_signed(changed, signed(BODY), [KEY])


@given(cut=st.integers(0, len(BODY) - 1), more=st.binary(min_size=1))
def test_a_body_cut_or_lengthened_is_refused(cut: int, more: bytes) -> None:
    assert not is_signed(BODY[:cut], signed(BODY), [KEY])
    if more.strip(SPACES):
        assert not is_signed(BODY + more, signed(BODY), [KEY])


@given(index=st.integers(0, 43), letter=st.sampled_from(LETTERS))
def test_a_signature_with_any_letter_changed_is_refused(index: int, letter: str) -> None:
    good = signed(BODY)
    changed = good[:index] + letter + good[index + 1 :]
    assert is_signed(BODY, changed, [KEY]) is (changed == good)


@given(value=json_values, indent=st.sampled_from([None, 0, 1, 4, "\t"]), ascii_only=st.booleans())
def test_minify_writes_json_as_a_serialiser_does(
    value: Any, indent: int | str | None, ascii_only: bool
) -> None:
    spaced = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    tight = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)
    assert minify(spaced) == tight.encode("utf-8", "surrogatepass")


@given(st.binary())
def test_minify_drops_nothing_but_spaces(body: bytes) -> None:
    assert minify(body).translate(None, SPACES) == body.translate(None, SPACES)
    assert minify(minify(body)) == minify(body)


@given(st.text())
def test_unwrap_undoes_a_serialisers_escapes(text: str) -> None:
    try:
        inside = text.encode()
    except UnicodeEncodeError:
        return
    assert unwrap(json.dumps(text).encode()) == inside
    assert unwrap(json.dumps(text, ensure_ascii=False).encode()) == inside


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'"',
        b'"a',
        b'"a" "b"',
        b'{"a":"b"}',
        b'"\xff"',
        rb'"\ud800"',
        rb'"\x41"',
        b'"\n"',
        b'"a"b',
        b'\xef\xbb\xbf"a"',
    ],
)
def test_unwrap_refuses_what_is_no_json_string(body: bytes) -> None:
    assert unwrap(body) is None


@given(st.binary())
def test_the_body_itself_is_the_first_form_and_no_form_comes_twice(body: bytes) -> None:
    forms = signed_forms(body)
    assert forms[0] == body
    assert 1 <= len(forms) == len(set(forms)) <= 4


@pytest.mark.parametrize("unit", [b'"', b"\\", b'\\"', b'"\\', b'" ', b" ", b"[", b"a ", b'"a\\"'])
@pytest.mark.timeout(30)
def test_hostile_bodies_take_linear_time(unit: bytes) -> None:
    """The largest body we accept is done at once; a quadratic way would outlast the test's timeout."""
    body = (b'"' + unit * 262_144)[:262_144]
    assert signed_forms(body)[0] == body
