"""Keyed digests of business keys and of cards' own keys: they find a duplicate in all history and give nothing away."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError, KeyStoreError


class DupDigests:
    """Digests of business keys under one plant key; drop it with the job, the key's schedule lives in it.

    :param plant_key: HMAC-256 with usage dup-digest.  :raises KeyStoreError: on a key for another purpose.
    """

    __slots__ = ("_keyed",)

    def __init__(self, plant_key: Key) -> None:
        if plant_key.usage is not Usage.DUP_DIGEST:
            raise KeyStoreError(
                f"key {plant_key.name}: usage {plant_key.usage}, a duplicate digest needs {Usage.DUP_DIGEST}"
            )
        with plant_key.reveal() as key:
            self._keyed = HMAC(bytes(key), SHA256())

    def of(self, kind: str, value: str) -> bytes:
        """Return HMAC-SHA-256(plant key, "cardkit-dup-1" 00 kind 00 value), 32 bytes.

        :param kind: ``iccid``, ``imsi``, ``pan``, ``doc`` ...
        :param value: in normal form; parts of a composite key joined with ``|``.
        :raises EncodingError: on a NUL.
        """
        keyed = self._keyed.copy()
        keyed.update(message(kind, value))
        return keyed.finalize()

    def of_key(self, role: str, value: bytes | Secret) -> bytes:
        """Return HMAC-SHA-256(plant key, "cardkit-key-1" 00 role 00 value), 32 bytes. security.md K15

        :param role: which of a card's keys, as ``KVN 30 enc``.
        :param value: the key; or a block under it, where the key itself stays in a token.
        :raises EncodingError: on a NUL in the role.
        """
        if "\0" in role:
            raise EncodingError(f"digest of key {role!r}: the role must not hold a NUL")
        keyed = self._keyed.copy()
        keyed.update(f"cardkit-key-1\0{role}\0".encode())
        if isinstance(value, Secret):
            with value.reveal() as clear:
                keyed.update(clear)
        else:
            keyed.update(value)
        return keyed.finalize()


def dup_digest(plant_key: Key, kind: str, value: str) -> bytes:
    """Return one digest, as :meth:`DupDigests.of` makes it."""
    return DupDigests(plant_key).of(kind, value)


def message(kind: str, value: str) -> bytes:
    """Return the bytes a digest is made of; EncodingError on a NUL."""
    text = f"cardkit-dup-1\0{kind}\0{value}"
    if text.count("\0") != 2:
        raise EncodingError(f"duplicate digest of {kind!r}: kind and value must not hold a NUL")
    return text.encode()
