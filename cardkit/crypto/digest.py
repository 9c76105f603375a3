"""Keyed digests of business keys: they find a duplicate in all history and give nothing away."""

from __future__ import annotations

import hmac

from cardkit.crypto.key import Key, Usage
from cardkit.errors import EncodingError, KeyStoreError


def dup_digest(plant_key: Key, kind: str, value: str) -> bytes:
    """Return HMAC-SHA-256(plant key, "cardkit-dup-1" 00 kind 00 value), 32 bytes.

    :param plant_key: HMAC-256 with usage dup-digest.  :param kind: ``iccid``, ``imsi``, ``pan``, ``doc`` ...
    :param value: in normal form; parts of a composite key joined with ``|``.
    :raises EncodingError: on a NUL.  :raises KeyStoreError: on a key for another purpose.
    """
    if plant_key.usage is not Usage.DUP_DIGEST:
        raise KeyStoreError(
            f"key {plant_key.name}: usage {plant_key.usage}, a duplicate digest needs {Usage.DUP_DIGEST}"
        )
    with plant_key.reveal() as key:
        return hmac.digest(key, message(kind, value), "sha256")


def message(kind: str, value: str) -> bytes:
    """Return the bytes a digest is made of; EncodingError on a NUL."""
    if "\0" in kind or "\0" in value:
        raise EncodingError(f"duplicate digest of {kind!r}: kind and value must not hold a NUL")
    return b"cardkit-dup-1\0" + kind.encode() + b"\0" + value.encode()
