"""Finding a secret where none should be."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from cardkit.crypto.secret import Secret

SHORTEST = 8
"""Bytes below which a match says nothing: PINs of four digits are everywhere."""


def spilled(data: bytes, secrets: Iterable[Secret]) -> str | None:
    """Return the name of a secret that stands in some bytes: as it is, nibbles swapped, in hex digits or base64.

    Secrets shorter than 8 bytes are not looked for, nor are those of one byte over and over.

    >>> spilled(b"id=MDEyMzQ1Njc4OQ==;", [Secret(b"0123456789", "puk1")])
    'puk1'
    """
    for secret in secrets:
        with secret.reveal() as clear:
            if len(set(clear)) > 1 and len(clear) >= SHORTEST and any(form in data for form in _forms(bytes(clear))):
                return secret.name
    return None


def _forms(value: bytes) -> tuple[bytes, ...]:
    swapped = bytes(byte << 4 & 0xF0 | byte >> 4 for byte in value)
    digits = value.hex().encode()
    encoded = base64.b64encode(value).rstrip(b"=")
    return (value, swapped, digits, digits.upper(), encoded)
