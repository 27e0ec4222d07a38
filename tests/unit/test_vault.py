from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import Permanent, Retryable
from shared.vault import SealBroken, Sealed, UnknownKeyId, Vault

pytestmark = pytest.mark.unit

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)
VAULT = Vault([NEW, OLD])
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.binary(max_size=300), words, words)
def test_what_is_sealed_opens_for_the_same_tenant_and_kind(plaintext: bytes, tenant: str, kind: str) -> None:
    sealed = VAULT.seal(plaintext, tenant=tenant, kind=kind)
    assert sealed.key_id == "new"
    assert sealed.content.startswith(b"v1|new|")
    assert VAULT.unseal(sealed, tenant=tenant, kind=kind) == plaintext
    assert VAULT.unseal(sealed.content, tenant=tenant, kind=kind) == plaintext


@given(st.binary(min_size=8, max_size=60), st.data())
def test_any_changed_bit_is_noticed(plaintext: bytes, data: st.DataObject) -> None:
    content = bytearray(VAULT.seal(plaintext, tenant="acme", kind="bill").content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((SealBroken, UnknownKeyId)) as caught:
        VAULT.unseal(bytes(content), tenant="acme", kind="bill")
    assert plaintext not in str(caught.value).encode()


@given(st.data())
def test_a_cut_envelope_does_not_open(data: st.DataObject) -> None:
    content = VAULT.seal(b"secret", tenant="acme", kind="bill").content
    short = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises((SealBroken, UnknownKeyId)):
        VAULT.unseal(short, tenant="acme", kind="bill")


@given(words, words, words, words)
def test_another_tenant_or_kind_does_not_open(tenant: str, kind: str, tenant_2: str, kind_2: str) -> None:
    assume((tenant, kind) != (tenant_2, kind_2))
    sealed = VAULT.seal(b"secret", tenant=tenant, kind=kind)
    with pytest.raises(SealBroken):
        VAULT.unseal(sealed, tenant=tenant_2, kind=kind_2)


def test_the_border_between_tenant_and_kind_counts() -> None:
    sealed = VAULT.seal(b"secret", tenant="ab", kind="c")
    with pytest.raises(SealBroken):
        VAULT.unseal(sealed, tenant="a", kind="bc")


def test_rotation_old_secrets_open_and_new_ones_are_sealed_by_the_first_key() -> None:
    before = Vault([OLD]).seal(b"secret", tenant="acme", kind="bill")
    assert VAULT.unseal(before, tenant="acme", kind="bill") == b"secret"
    after = VAULT.seal(b"secret", tenant="acme", kind="bill")
    with pytest.raises(UnknownKeyId, match="'new'") as caught:
        Vault([OLD]).unseal(after, tenant="acme", kind="bill")
    assert isinstance(caught.value, Retryable)
    assert caught.value.counts is False


def test_the_same_id_with_other_bytes_does_not_open() -> None:
    sealed = Vault([("k", b"1" * 32)]).seal(b"secret", tenant="acme", kind="bill")
    with pytest.raises(SealBroken) as caught:
        Vault([("k", b"2" * 32)]).unseal(sealed, tenant="acme", kind="bill")
    assert isinstance(caught.value, Permanent)


def test_a_secret_sealed_twice_differs() -> None:
    assert VAULT.seal(b"s", tenant="a", kind="b").content != VAULT.seal(b"s", tenant="a", kind="b").content


def test_reprs_show_no_key_and_no_content() -> None:
    assert repr(VAULT) == "Vault(sealing_key_id='new')"
    assert repr(Sealed("new", b"content")) == "Sealed(key_id='new')"
