from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bill.webhook_keys import MAX_KEYS, WebhookKey, WebhookKeys

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
FIRST = WebhookKeys("sub-1", (WebhookKey("first"),))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_after_a_rotation_both_keys_are_good_until_the_grace_ends() -> None:
    rotated = FIRST.rotated("second", NOW, 600)
    assert FIRST.valid_at(NOW) == ("first",)
    assert rotated.valid_at(after(599)) == ("second", "first")
    assert rotated.valid_at(after(600)) == ("second",)


def test_a_second_rotation_does_not_prolong_the_first_key() -> None:
    twice = FIRST.rotated("second", NOW, 600).rotated("third", after(300), 600)
    assert twice.valid_at(after(599)) == ("third", "second", "first")
    assert twice.valid_at(after(600)) == ("third", "second")
    assert twice.valid_at(after(900)) == ("third",)


def test_a_rotation_without_grace_revokes_at_once() -> None:
    assert FIRST.rotated("second", NOW, 0).valid_at(NOW) == ("second",)


def test_ended_keys_are_dropped_and_the_newest_few_are_kept() -> None:
    keys = FIRST
    for number in range(6):
        keys = keys.rotated(f"key-{number}", after(number), 600)
    assert keys.valid_at(after(6)) == ("key-5", "key-4", "key-3")
    assert len(keys.rotated("last", after(5000), 600).keys) == 2


def test_a_key_given_twice_is_held_once() -> None:
    assert FIRST.rotated("first", NOW, 600).keys == (WebhookKey("first"),)


keys = st.lists(
    st.builds(WebhookKey, st.text(min_size=1), st.none() | st.datetimes(timezones=st.just(UTC))),
    max_size=MAX_KEYS,
)


@given(subscription_id=st.text(min_size=1), held=keys)
def test_what_is_sealed_comes_back_the_same(subscription_id: str, held: list[WebhookKey]) -> None:
    whole = WebhookKeys(subscription_id, tuple(held))
    assert WebhookKeys.from_bytes(whole.to_bytes()) == whole


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"secret-key",
        b"[]",
        b"{}",
        b'{"subscription_id":"s","keys":[{"key":"secret-key"}]}',
        b'{"subscription_id":"s","keys":[{"key":7,"valid_until":null}]}',
        b'{"subscription_id":"s","keys":[{"key":"","valid_until":null}]}',
        b'{"subscription_id":"","keys":[]}',
        b'{"subscription_id":"s","keys":[{"key":"secret-key","valid_until":"soon"}]}',
    ],
)
def test_anything_else_is_refused_without_showing_it(plaintext: bytes) -> None:
    with pytest.raises(ValueError, match="stored webhook keys") as caught:
        WebhookKeys.from_bytes(plaintext)
    assert "secret-key" not in str(caught.value)
    assert caught.value.__cause__ is None
