from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import scrub as module
from shared.scrub import register_secret, scrub, scrub_text
from shared.secret import Secret

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_values", set())
        yield


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:hunter2@db/x failed",
        "redis://:hunter2@cache:6379/0",
        "Authorization: Bearer hunter2hunter2",
        "sent Bearer hunter2.hunter2",
        '{"sessionId": "hunter2", "organizationId": "1"}',
        "{'devKey': 'hunter2'}",
        '"{\\"securityKey\\": \\"hunter2\\"}"',
        "grant_type=client_credentials&client_secret=hunter2&x=1",
        "password=hunter2",
        "access_token: hunter2",
        "FLOWER_PASSWORD=hunter2",
    ],
)
def test_secrets_in_texts(text: str) -> None:
    assert "hunter2" not in scrub_text(text)
    assert "***" in scrub_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://gateway.example/connect/v3/bills?max=100",
        "password authentication failed for user app",
        "the token of tenant acme is refused",
        'supplier "Token Ring AB" at 5.20',
        "action token.renewed",
        "2026-05-01T12:00:00Z basic data changed",
    ],
)
def test_harmless_texts_stay(text: str) -> None:
    assert scrub_text(text) == text


@pytest.mark.parametrize(
    "name", ["password", "dev_key", "sessionId", "x-security-key", "client_secret", "Set-Cookie"]
)
def test_what_stands_under_a_telling_name_is_hidden(name: str) -> None:
    for value in ("hunter2", b"hunter2", ["hunter2"], {"a": "hunter2"}, 42):
        assert scrub({"outer": [{name: value}]}) == {"outer": [{name: "***"}]}


def test_names_that_only_look_alike_stay() -> None:
    harmless: dict[str, Any] = {
        "task_id": "1",
        "token_url": "u",
        "has_token": True,
        "session": None,
        "key_id": "k",
    }
    assert scrub(harmless) == harmless


def test_registered_values_are_hidden_anywhere() -> None:
    register_secret("s3cr3t-value", "abc", None)
    assert scrub({"a": ("x s3cr3t-value y", b"s3cr3t-value", "abc")}) == {"a": ["x *** y", "***", "abc"]}


def test_other_objects_become_their_text() -> None:
    class Holder:
        def __str__(self) -> str:
            return "password=hunter2"

    scrubbed = scrub({"amount": Decimal("1.20"), "holder": Holder(), "secret_box": Secret("hunter2")})
    assert scrubbed == {"amount": "1.20", "holder": "password=***", "secret_box": "***"}


def test_endless_nesting_ends() -> None:
    endless: dict[str, Any] = {}
    endless["inner"] = endless
    assert "***" in str(scrub(endless))


@given(
    st.recursive(
        st.text() | st.integers() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nothing_breaks_it_and_twice_is_once(value: Any) -> None:
    once = scrub(value)
    assert scrub(once) == once


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "a-" * 100_000, "a." * 100_000], ids=["word", "hyphens", "dots"]
)
def test_a_long_text_is_looked_through_in_one_go(text: str) -> None:
    """A notification may be 256 KB, and none of it may keep a process busy for minutes."""
    assert scrub_text(text) == text
