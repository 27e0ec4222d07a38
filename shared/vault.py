"""Sealing secrets at rest: AES-256-GCM under the master keys, bound to one tenant and one kind.

The envelope is ``v1|key_id|nonce|ciphertext``. Tenant, kind and key id are authenticated with it, so a
sealed secret put into another tenant's row, or under another kind, does not open. The first master key
seals, every one unseals: that is how keys are rotated without a stop.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Permanent, Retryable

_VERSION = b"v1"
_NONCE_BYTES = 12


class UnknownKeyId(Retryable):
    """The secret is sealed under a key that this process was not given; after a restart it may have it."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"a secret is sealed under master key {key_id!r}, which CONNECTOR_MASTER_KEYS does not hold",
            counts=False,
        )
        self.key_id = key_id


class SealBroken(Permanent):
    """The secret does not open: changed, cut, of another tenant or kind, or sealed by another key."""

    def __init__(self, tenant: str, kind: str) -> None:
        super().__init__(f"the sealed secret {kind} of tenant {tenant} does not open; set it again")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed secret: the id of its master key, for the queries of a rotation, and the envelope."""

    key_id: str
    content: bytes = field(repr=False)


class Vault:
    """Seals and unseals under ``master_keys``: pairs of id and 32 bytes, the first one seals."""

    def __init__(self, master_keys: Sequence[tuple[str, bytes]]) -> None:
        self.sealing_key_id = master_keys[0][0]
        self._ciphers = {key_id: AESGCM(key) for key_id, key in master_keys}

    def __repr__(self) -> str:
        return f"Vault(sealing_key_id={self.sealing_key_id!r})"

    def seal(self, plaintext: bytes, *, tenant: str, kind: str) -> Sealed:
        """Encrypt ``plaintext`` so that it opens only for the same ``tenant`` and ``kind``."""
        key_id, nonce = self.sealing_key_id, os.urandom(_NONCE_BYTES)
        ciphertext = self._ciphers[key_id].encrypt(nonce, plaintext, _bound(key_id, tenant, kind))
        return Sealed(key_id, b"|".join((_VERSION, key_id.encode(), nonce, ciphertext)))

    def unseal(self, sealed: Sealed | bytes, *, tenant: str, kind: str) -> bytes:
        """The plaintext of a sealed secret or of its bare envelope.

        Raises :class:`UnknownKeyId` when the key is not here, :class:`SealBroken` when it does not open.
        """
        content = sealed.content if isinstance(sealed, Sealed) else sealed
        version, _, rest = content.partition(b"|")
        raw_key_id, _, rest = rest.partition(b"|")
        nonce, separator, ciphertext = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:][:1], rest[_NONCE_BYTES + 1 :]
        if version != _VERSION or separator != b"|":
            raise SealBroken(tenant, kind)
        key_id = raw_key_id.decode("ascii", "backslashreplace")
        if key_id not in self._ciphers:
            raise UnknownKeyId(key_id)
        try:
            return self._ciphers[key_id].decrypt(nonce, ciphertext, _bound(key_id, tenant, kind))
        except InvalidTag:
            raise SealBroken(tenant, kind) from None


def _bound(*words: str) -> bytes:
    """The words as authenticated data; each with its length, so that no two lists of words are alike."""
    encoded = [word.encode() for word in words]
    return _VERSION + b"".join(len(word).to_bytes(4, "big") + word for word in encoded)
